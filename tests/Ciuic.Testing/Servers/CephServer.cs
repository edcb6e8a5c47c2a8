using System.Globalization;

namespace Ciuic.Testing;

/// <summary>
/// A real S3 server: Ceph's RADOS Gateway on a monitor and a store of its own, on loopback, with everything in memory and a
/// folder that goes with it. Debian: ceph-mon ceph-osd radosgw ceph-common openssl.
/// </summary>
public sealed class CephServer : IAsyncDisposable
{
    public const string AccessKey = "ciuic-test-access";
    public const string SecretKey = "ciuic-test-secret-0123456789";
    public const string Region = "default";

    private const string Owner = "ciuic";

    private static readonly string[] Programs =
        ["ceph-mon", "ceph-osd", "radosgw", "ceph", "radosgw-admin", "ceph-authtool", "monmaptool", "openssl"];

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TemporaryFolder _folder = new();
    private readonly List<ServerProcess> _daemons = [];
    private readonly int[] _ports = FreePorts.Take(3);

    private readonly string? _tree;

    private CephServer(string? tree) => _tree = tree;

    /// <summary>A Debian tree with a newer Ceph, as <c>tests/interop/ceph/make-tree</c> makes it; null where none was made.</summary>
    public static string? NewerTree => Environment.GetEnvironmentVariable("CIUIC_CEPH_TREE") is { Length: > 0 } tree ? tree : null;

    /// <summary>Where it listens.</summary>
    public Uri Endpoint => new($"http://127.0.0.1:{_ports[0]}");

    /// <summary>Where it listens with TLS.</summary>
    public Uri TlsEndpoint => new($"https://localhost:{_ports[1]}");

    /// <summary>The certificate it shows there, signed by itself.</summary>
    public string CertificateFile => _folder.File("rgw.crt");

    private string Conf => _folder.File("ceph.conf");

    /// <summary>What is missing on this machine; null where nothing is.</summary>
    public static string? Missing()
    {
        var missing = Programs.Where(p => !IsOnPath(p)).ToList();
        return missing.Count == 0
            ? null
            : $"there is no {string.Join(", ", missing)}: apt-get install --no-install-recommends ceph-mon ceph-osd radosgw ceph-common openssl";
    }

    /// <summary>Starts one, within a few seconds.</summary>
    /// <param name="tree">The tree whose Ceph it is; null for the machine's own.</param>
    public static async Task<CephServer> StartAsync(string? tree = null)
    {
        var server = new CephServer(tree);
        try
        {
            await server.BootAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Makes a user with a quota of its own.</summary>
    /// <param name="name">Its name; key and secret are made of it.</param>
    /// <param name="maxBytes">What its buckets may hold.</param>
    public async Task AddUserAsync(string name, long maxBytes)
    {
        await AdminAsync("user", "create", $"--uid={name}", $"--display-name={name}", $"--access-key={name}", $"--secret-key={name}-secret");
        await SetQuotaAsync(name, maxBytes);
    }

    /// <summary>Makes a key that may read what a user has, and nothing else.</summary>
    /// <param name="user">The user; null for the one of <see cref="AccessKey"/>.</param>
    /// <param name="name">The key's name; the secret is made of it.</param>
    public Task AddReaderAsync(string? user, string name) => AdminAsync(
        "subuser", "create", $"--uid={user ?? Owner}", $"--subuser={user ?? Owner}:{name}", "--access=read", "--key-type=s3",
        $"--access-key={name}", $"--secret-key={name}-secret");

    /// <summary>Changes what each bucket of a user may hold.</summary>
    /// <param name="user">The user; null for the one of <see cref="AccessKey"/>.</param>
    /// <param name="maxBytes">What they may hold from now on.</param>
    public async Task SetQuotaAsync(string? user, long maxBytes)
    {
        var name = user ?? Owner;
        await AdminAsync(
            "quota", "set", "--quota-scope=bucket", $"--uid={name}", $"--max-size={maxBytes.ToString(CultureInfo.InvariantCulture)}");
        await AdminAsync("quota", "enable", "--quota-scope=bucket", $"--uid={name}");
    }

    public ValueTask DisposeAsync()
    {
        foreach (var daemon in Enumerable.Reverse(_daemons))
            daemon.Dispose();
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task BootAsync()
    {
        foreach (var folder in new[] { "mon", "osd", "rgw", "run" })
            Directory.CreateDirectory(_folder.File(folder));
        await ServerProcess.RunAsync(
            Patience,
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost", "-keyout", _folder.File("rgw.key"), "-out", CertificateFile);
        var cluster = Guid.CreateVersion7().ToString();
        await File.WriteAllTextAsync(Conf, Configuration(cluster));
        await MakeKeysAsync();
        await StartMonitorAsync(cluster);
        await StartStoreAsync();
        await StartGatewayAsync();
        await AdminAsync("user", "create", $"--uid={Owner}", "--display-name=ciuic", $"--access-key={AccessKey}", $"--secret-key={SecretKey}");
    }

    /// <summary>The gateway cannot log in to a cluster without keys.</summary>
    private async Task MakeKeysAsync()
    {
        string[][] keys =
        [
            ["mon.", "mon", "allow *"],
            ["client.admin", "mon", "allow *", "osd", "allow *", "mgr", "allow *"],
            ["osd.0", "mon", "allow profile osd", "osd", "allow *", "mgr", "allow profile osd"],
            ["client.rgw.ciuic", "mon", "allow rwx", "osd", "allow rwx", "mgr", "allow rw"],
        ];
        await RunAsync("ceph-authtool", "--create-keyring", _folder.File("keyring"));
        foreach (var key in keys)
        {
            var caps = key[1..].Chunk(2).SelectMany(c => (string[])["--cap", c[0], c[1]]);
            await RunAsync("ceph-authtool", [_folder.File("keyring"), "--gen-key", "-n", key[0], .. caps]);
        }
    }

    private async Task StartMonitorAsync(string cluster)
    {
        var map = _folder.File("monmap");
        await RunAsync("monmaptool", "--create", "--fsid", cluster, "--addv", "a", $"[v2:127.0.0.1:{_ports[2]}]", map);
        await RunAsync("ceph-mon", "-c", Conf, "-i", "a", "--mkfs", "--monmap", map, "--keyring", _folder.File("keyring"));
        Start("ceph-mon", "-c", Conf, "-i", "a", "-f");
        await UntilAsync(() => CephAsync("mon", "stat"), _ => true);
    }

    private async Task StartStoreAsync()
    {
        var uuid = Guid.CreateVersion7().ToString();
        var id = (await CephAsync("osd", "new", uuid)).Trim();
        await RunAsync("ceph-osd", "-c", Conf, "-i", id, "--mkfs", "--osd-uuid", uuid);
        Start("ceph-osd", "-c", Conf, "-i", id, "-f");
        await UntilAsync(() => CephAsync("osd", "stat"), text => text.Contains("1 up", StringComparison.Ordinal));
    }

    /// <summary>Kills the gateway as a crash would, and starts it again on the same store.</summary>
    public async Task RestartGatewayAsync()
    {
        _daemons[^1].Dispose();
        _daemons.RemoveAt(_daemons.Count - 1);
        await StartGatewayAsync();
    }

    private async Task StartGatewayAsync()
    {
        Start("radosgw", "-c", Conf, "-n", "client.rgw.ciuic", "-f");
        using var http = new HttpClient();
        await UntilAsync(() => http.GetStringAsync(Endpoint), _ => true);
    }

    private Task<string> CephAsync(params string[] arguments) => RunAsync("ceph", ["-c", Conf, .. arguments]);

    private Task<string> AdminAsync(params string[] arguments) => RunAsync("radosgw-admin", ["-c", Conf, .. arguments]);

    private void Start(string program, params string[] arguments)
    {
        var (name, all) = In(program, arguments);
        _daemons.Add(ServerProcess.Start(name, all));
    }

    private Task<string> RunAsync(string program, params string[] arguments)
    {
        var (name, all) = In(program, arguments);
        return ServerProcess.RunAsync(Patience, name, all);
    }

    /// <summary>
    /// A program of the tree, which sees this server's folder where we see it. Its mounts are in a namespace that ends with it; each
    /// command becomes the next one, so that the process is the program.
    /// </summary>
    private (string Program, string[] Arguments) In(string program, string[] arguments)
    {
        const string enter = """
            tree=$1; folder=$2; shift 2
            mount -t proc proc "$tree/proc"
            mount --bind /dev "$tree/dev"
            mkdir -p "$tree$folder"
            mount --bind "$folder" "$tree$folder"
            exec env LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin chroot "$tree" "$@"
            """;
        return _tree is null
            ? (program, arguments)
            : ("unshare", ["--mount", "--propagation", "private", "sh", "-euc", enter, "sh", _tree, _folder.Path, program, .. arguments]);
    }

    private async Task UntilAsync(Func<Task<string>> ask, Func<string, bool> isReady)
    {
        using var deadline = new CancellationTokenSource(Patience);
        while (true)
        {
            try
            {
                if (isReady(await ask()))
                    return;
            }
            catch (Exception error) when (error is InvalidOperationException or HttpRequestException)
            {
                Xunit.Assert.DoesNotContain(_daemons, d => d.HasExited);
            }

            await Task.Delay(50, deadline.Token);
        }
    }

    private static bool IsOnPath(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator)
        .Append("/usr/sbin")
        .Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>One node that waits for nobody: maps are committed at once, nothing is scrubbed or balanced.</summary>
    private string Configuration(string cluster) => $"""
        [global]
        fsid = {cluster}
        mon host = [v2:127.0.0.1:{_ports[2]}]
        public addr = 127.0.0.1
        cluster addr = 127.0.0.1
        public network = 127.0.0.0/8
        cluster network = 127.0.0.0/8
        ms bind ipv4 = true
        ms bind ipv6 = false
        ms bind msgr1 = false
        keyring = {_folder.File("keyring")}
        run dir = {_folder.File("run")}
        admin socket = {_folder.File("run")}/$name.$pid.asok
        crash dir = {_folder.File("run")}
        log file = {_folder.File("$name.log")}
        mon cluster log file = {_folder.File("cluster.log")}
        auth allow insecure global id reclaim = false
        osd pool default size = 1
        osd pool default min size = 1
        osd pool default pg num = 4
        osd pool default pgp num = 4
        osd pool default pg autoscale mode = off
        osd crush chooseleaf type = 0
        mon allow pool size one = true
        mon max pg per osd = 1000
        [mon]
        mon data = {_folder.File("mon")}
        mon data avail crit = 1
        mon data avail warn = 1
        paxos propose interval = 0.05
        paxos min wait = 0.01
        [osd]
        osd data = {_folder.File("osd")}
        osd journal =
        osd objectstore = memstore
        memstore device bytes = 4294967296
        osd class update on start = false
        osd memory target = 1073741824
        [client.rgw.ciuic]
        rgw data = {_folder.File("rgw")}
        rgw frontends = beast endpoint=127.0.0.1:{_ports[0]} tcp_nodelay=1 ssl_endpoint=127.0.0.1:{_ports[1]} ssl_certificate={CertificateFile} ssl_private_key={_folder.File("rgw.key")}
        rgw enable usage log = false
        rgw enable ops log = false
        rgw dynamic resharding = false
        rgw run sync thread = false
        rgw user quota bucket sync interval = 1
        rgw bucket quota ttl = 0
        rgw bucket quota soft threshold = 0

        """;
}
