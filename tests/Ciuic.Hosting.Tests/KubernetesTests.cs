using k8s;

namespace Ciuic.Hosting.Tests;

/// <summary>The manifests in hosting/kubernetes: whatever one of them names is there, and means what the silo means by it.</summary>
public sealed class KubernetesTests
{
    private const string Folder = "kubernetes";

    private const string SettingsFolder = Storage.SettingsFile.FolderVariable;

    private const string Address = "Ciuic__Silo__Address";

    private static readonly Dictionary<string, object> Files = Directory.EnumerateFiles(Yaml.PathOf(Folder), "*.yaml")
        .Select(path => Path.GetFileName(path))
        .ToDictionary(name => name, name => Yaml.Load(Folder, name));

    private static readonly object Silos = Files["stateful-set.yaml"];

    private static readonly object Pod = Silos.At("spec", "template", "spec")!;

    private static readonly object Container = Assert.Single(Pod.List("containers"))!;

    private static readonly string Readme = File.ReadAllText(Yaml.PathOf(Folder, "README.md"));

    public static TheoryData<string> Manifests() => [.. Files.Keys.Where(f => f != "kustomization.yaml")];

    private static IEnumerable<object> Resources => Files.Where(f => f.Key != "kustomization.yaml").Select(f => f.Value);

    private static IEnumerable<object> Templates => Resources.Select(r => r.At("spec", "template")).OfType<object>();

    [Theory]
    [MemberData(nameof(Manifests))]
    public void Every_field_is_one_that_Kubernetes_knows(string file) => Assert.Single(
        KubernetesYaml.LoadAllFromString(File.ReadAllText(Yaml.PathOf(Folder, file)), strict: true));

    [Fact]
    public void Every_file_is_applied_and_every_name_in_the_list_is_a_file() => Assert.Equal(
        Files.Keys.Where(f => f != "kustomization.yaml").Order(StringComparer.Ordinal),
        Files["kustomization.yaml"].List("resources").Cast<string>().Order(StringComparer.Ordinal));

    [Fact]
    public void Everything_is_in_the_namespace_that_is_made()
    {
        var made = Files["namespace.yaml"].Text("metadata", "name");
        Assert.All(
            Resources.Where(r => r.Text("kind") != "Namespace"), resource => Assert.Equal(made, resource.Text("metadata", "namespace")));
    }

    [Fact]
    public void Every_config_map_and_service_account_and_headless_service_is_defined()
    {
        var names = Templates.SelectMany(t => t.Everywhere("configMapRef")).Select(r => ("ConfigMap", r.Text("name")))
            .Concat(Templates.Select(t => ("ServiceAccount", t.Text("spec", "serviceAccountName"))))
            .Append(("Service", Silos.Text("spec", "serviceName")))
            .ToList();
        Assert.Contains(names, n => n.Item1 == "ConfigMap");
        Assert.Empty(names.Except(Resources.Select(r => (r.Text("kind"), r.Text("metadata", "name")))));
    }

    [Fact]
    public void Secrets_are_references_and_the_README_makes_each_of_them()
    {
        Assert.DoesNotContain(Resources, r => r.Text("kind") == "Secret");
        var names = Templates.SelectMany(t => t.Everywhere("secretName")).Cast<string>().Distinct().ToList();
        Assert.Equal(3, names.Count);
        Assert.All(names, name => Assert.Contains($"create secret {(name.EndsWith("-tls", StringComparison.Ordinal) ? "tls" : "generic")} {name} ", Readme));
        Assert.All(SiloEnvironment.Secrets.Keys, key => Assert.Contains(key, Readme));
        Assert.Empty(Files["config-map.yaml"].Map("data").Keys.Intersect(SiloEnvironment.Secrets.Keys));
    }

    [Fact]
    public void Every_mounted_volume_is_one_of_the_pod()
    {
        foreach (var template in Templates)
        {
            var claims = template == Silos.At("spec", "template") ? Silos.List("spec", "volumeClaimTemplates") : [];
            var volumes = template.List("spec", "volumes").Select(v => v.Text("name"))
                .Concat(claims.Select(c => c.Text("metadata", "name")));
            var mounts = template.List("spec", "containers").SelectMany(c => c.List("volumeMounts")).Select(m => m.Text("name"));
            Assert.Equal(volumes.Order(StringComparer.Ordinal), mounts.Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void The_folder_of_settings_is_where_the_secret_is_mounted()
    {
        foreach (var container in Templates.Select(t => Assert.Single(t.List("spec", "containers"))))
        {
            var folder = Named(container.List("env"), SettingsFolder).Text("value");
            Assert.Equal(folder, Named(container.List("volumeMounts"), "secrets").Text("mountPath"));
        }
    }

    [Fact]
    public void The_silo_takes_every_setting_and_its_ports_are_those_of_the_pod()
    {
        var settings = new SiloEnvironment(Variables()).Silo;
        var ports = Container.List("ports").ToDictionary(p => p.Text("name"), p => p.Number("containerPort"));
        Assert.Equal(settings.Silo.SiloPort, ports["silo"]);
        Assert.Equal(settings.Silo.GatewayPort, ports["gateway"]);
        Assert.Equal(settings.Silo.HealthPort, ports["health"]);
        Assert.Equal(settings.Gateway.Port, ports["http-api"]);
        Assert.Equal(4, ports.Count);
        Assert.StartsWith(Named(Container.List("volumeMounts"), "tls").Text("mountPath") + "/tls.", settings.Gateway.CertificateFile);
        Assert.StartsWith(Named(Container.List("volumeMounts"), "tls").Text("mountPath") + "/tls.", settings.Gateway.CertificateKeyFile);
        Assert.StartsWith("https://", new SiloEnvironment(Variables()).S3.Endpoint);
        Assert.Equal("status.podIP", Named(Container.List("env"), Address).Text("valueFrom", "fieldRef", "fieldPath"));
        Assert.StartsWith(Named(Container.List("volumeMounts"), "state").Text("mountPath"), settings.Ledger.StateDirectory);
    }

    [Fact]
    public void Services_and_policies_name_ports_and_labels_that_the_pod_has()
    {
        var labels = Silos.Map("spec", "template", "metadata", "labels");
        var ports = Container.List("ports").Select(p => p.Text("name")).ToList();
        var (services, policy) = (new[] { Files["silo-service.yaml"], Files["gateway-service.yaml"] }, Files["network-policy.yaml"]);
        Assert.All(services, service => Assert.Equal(labels, service.Map("spec", "selector")));
        Assert.Equal(labels, Silos.Map("spec", "selector", "matchLabels"));
        Assert.Equal(labels, Files["pod-disruption-budget.yaml"].Map("spec", "selector", "matchLabels"));
        Assert.All(Pod.List("topologySpreadConstraints"), c => Assert.Equal(labels, c.Map("labelSelector", "matchLabels")));
        Assert.All(policy.Everywhere("podSelector").Where(s => s.Map().Count > 0), s => Assert.Equal(labels, s.Map("matchLabels")));
        Assert.All(services.SelectMany(s => s.List("spec", "ports")), p => Assert.Contains(p.Text("targetPort"), ports));
        var opened = policy.List("spec", "ingress").SelectMany(rule => rule.List("ports")).Select(p => p.Text("port")).ToList();
        Assert.NotEmpty(opened);
        Assert.Empty(opened.Except(ports));
        Assert.DoesNotContain("health", opened);
    }

    [Theory]
    [InlineData("startupProbe", "/startup")]
    [InlineData("livenessProbe", "/live")]
    [InlineData("readinessProbe", "/ready")]
    public void Each_probe_asks_what_it_is_for(string probe, string path)
    {
        Assert.Equal(path, Container.Text(probe, "httpGet", "path"));
        Assert.Equal("health", Container.Text(probe, "httpGet", "port"));
        Assert.True(Container.Number(probe, "timeoutSeconds") <= Container.Number(probe, "periodSeconds"));
    }

    [Fact]
    public void A_prober_waits_longer_than_the_silo_may_take_and_draining_fits_the_grace_period()
    {
        var options = new SiloEnvironment(Variables()).Silo.Silo;
        Assert.True(TimeSpan.FromSeconds(Container.Number("readinessProbe", "timeoutSeconds")) > options.HealthTimeout);
        var grace = TimeSpan.FromSeconds(Pod.Number("terminationGracePeriodSeconds"));
        Assert.True(grace >= options.DrainTimeout + TimeSpan.FromSeconds(5));
    }

    [Fact]
    public void Pods_are_restricted_and_know_nothing_of_the_cluster()
    {
        Assert.Equal("restricted", Files["namespace.yaml"].Text("metadata", "labels", "pod-security.kubernetes.io/enforce"));
        Assert.Equal("false", Files["service-account.yaml"].Text("automountServiceAccountToken"));
        foreach (var spec in Templates.Select(t => t.At("spec")))
        {
            Assert.Equal("false", spec.Text("automountServiceAccountToken"));
            Assert.Equal("true", spec.Text("securityContext", "runAsNonRoot"));
            Assert.Equal("RuntimeDefault", spec.Text("securityContext", "seccompProfile", "type"));
            var container = Assert.Single(spec.List("containers"));
            Assert.Equal("false", container.Text("securityContext", "allowPrivilegeEscalation"));
            Assert.Equal("true", container.Text("securityContext", "readOnlyRootFilesystem"));
            Assert.Equal("ALL", Assert.Single(container.List("securityContext", "capabilities", "drop")));
            Assert.NotNull(container.At("resources", "requests", "cpu"));
            Assert.NotNull(container.At("resources", "limits", "memory"));
        }
    }

    [Fact]
    public void Pods_run_as_the_user_that_the_image_is_made_for() => Assert.All(Templates, template =>
    {
        var context = template.At("spec", "securityContext");
        Assert.Equal(new Dockerfile().User, $"{context.Text("runAsUser")}:{context.Text("runAsGroup")}");
        Assert.Equal(context.Text("runAsGroup"), context.Text("fsGroup")); // or it could not read its secrets
    });

    [Fact]
    public void Fewer_silos_may_be_missing_than_there_are() =>
        Assert.True(Files["pod-disruption-budget.yaml"].Number("spec", "maxUnavailable") < Silos.Number("spec", "replicas"));

    [Fact]
    public void Images_are_ours_and_have_an_exact_version()
    {
        var image = Assert.Single(Files["kustomization.yaml"].List("images"));
        Assert.Matches(@"^\d+\.\d+\.\d+$", image.Text("newTag"));
        Assert.All(Templates.SelectMany(t => t.Everywhere("image")), i => Assert.StartsWith($"{image.Text("name")}:", (string?)i));
    }

    private static object? Named(IEnumerable<object?> list, string name) => list.Single(item => item.Text("name") == name);

    /// <summary>What the container is given, with an address and secrets as there might be.</summary>
    private static Dictionary<string, string> Variables()
    {
        var variables = new Dictionary<string, string>(SiloEnvironment.Secrets) { [Address] = "10.0.0.7" };
        foreach (var (name, value) in Files["config-map.yaml"].Map("data"))
            variables.Add(name, Assert.IsType<string>(value));
        foreach (var variable in Container.List("env").Where(e => e.At("value") is not null))
            variables.Add(variable.Text("name"), variable.Text("value"));
        return variables;
    }
}
