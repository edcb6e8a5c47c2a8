using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ciuic.Client;
using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Ciuic.Gateway.Tests;

/// <summary>A certificate with one between it and its authority, as public authorities give them out.</summary>
public sealed class TlsTests(GatewayCluster cluster) : IClassFixture<GatewayCluster>, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly X509Certificate2 _root = Sign("CN=root", null, isAuthority: true);
    private readonly GatewayOptions _options = new() { Port = FreePorts.Take(1)[0], LocalKeyFile = "none" };

    [Fact]
    public async Task Whoever_trusts_the_authority_is_served_and_nobody_else_serves()
    {
        await using var gateway = await StartAsync();
        var key = await cluster.NewKeyAsync();
        using var trusting = new GatewayConnection(new Uri(_options.Url), key.Reveal, TrustedAuthorities.Read(WriteRoot(), "CaFile"));
        Assert.Equal("test", (await trusting.GetAsync("info", ApiJson.Default.ServerInfo, CancellationToken.None)).Version);

        using var strange = new GatewayConnection(new Uri(_options.Url), key.Reveal);
        var error = await Assert.ThrowsAsync<UnavailableException>(
            () => strange.GetAsync("info", ApiJson.Default.ServerInfo, CancellationToken.None));
        Assert.Contains("Ciuic:Client:CaFile", error.Message);
        await gateway.StoppingAsync(CancellationToken.None);
    }

    [Fact]
    public void A_renewed_certificate_is_shown_without_a_restart_and_half_of_one_is_not()
    {
        Write("CN=first");
        var time = new FakeTimeProvider();
        var certificate = new GatewayCertificate(_options, time, NullLogger<GatewayCertificate>.Instance);
        Assert.Equal("CN=first", certificate.Current.TargetCertificate.Subject);

        var written = File.ReadAllText(_options.CertificateKeyFile);
        Write("CN=second");
        var renewed = File.ReadAllText(_options.CertificateKeyFile);
        File.WriteAllText(_options.CertificateKeyFile, written);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("CN=first", certificate.Current.TargetCertificate.Subject);

        File.WriteAllText(_options.CertificateKeyFile, renewed);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("CN=second", certificate.Current.TargetCertificate.Subject);
    }

    [Fact]
    public void A_folder_that_Kubernetes_swaps_is_a_renewal()
    {
        Write("CN=first");
        var mounted = Directory.CreateDirectory(_folder.File("mounted")).FullName;
        Swap("1");
        foreach (var file in new[] { "own.pem", "own.key" })
            File.CreateSymbolicLink(Path.Combine(mounted, file), Path.Combine("..data", file));
        (_options.CertificateFile, _options.CertificateKeyFile) = (Path.Combine(mounted, "own.pem"), Path.Combine(mounted, "own.key"));
        var time = new FakeTimeProvider();
        var certificate = new GatewayCertificate(_options, time, NullLogger<GatewayCertificate>.Instance);
        Write("CN=second");
        (_options.CertificateFile, _options.CertificateKeyFile) = (Path.Combine(mounted, "own.pem"), Path.Combine(mounted, "own.key"));
        Swap("2");
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("CN=second", certificate.Current.TargetCertificate.Subject);
        Directory.Delete(Path.Combine(mounted, "2"), recursive: true); // nothing there for a moment
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("CN=second", certificate.Current.TargetCertificate.Subject);

        void Swap(string version)
        {
            var folder = Directory.CreateDirectory(Path.Combine(mounted, version)).FullName;
            foreach (var file in new[] { "own.pem", "own.key" })
                File.Copy(_folder.File(file), Path.Combine(folder, file));
            File.Delete(Path.Combine(mounted, "..data"));
            File.CreateSymbolicLink(Path.Combine(mounted, "..data"), version);
        }
    }

    [Fact]
    public async Task Without_its_key_a_certificate_is_named_before_anything_listens()
    {
        Write("CN=any");
        File.WriteAllText(_options.CertificateKeyFile, "nothing");
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => cluster.StartGatewayAsync(_options));
        Assert.Contains(_options.CertificateFile, error.Message);
        using var nobody = new TcpClient();
        await Assert.ThrowsAnyAsync<SocketException>(() => nobody.ConnectAsync("127.0.0.1", _options.Port));
    }

    public void Dispose()
    {
        _root.Dispose();
        _folder.Dispose();
    }

    private async Task<GatewayServer> StartAsync()
    {
        Write("CN=gateway");
        return await cluster.StartGatewayAsync(_options);
    }

    private string WriteRoot()
    {
        var path = _folder.File("root.pem");
        File.WriteAllText(path, _root.ExportCertificatePem());
        return path;
    }

    private void Write(string name)
    {
        using var between = Sign("CN=between", _root, isAuthority: true);
        using var own = Sign(name, between, isAuthority: false);
        (_options.CertificateFile, _options.CertificateKeyFile) = (_folder.File("own.pem"), _folder.File("own.key"));
        File.WriteAllText(_options.CertificateFile, own.ExportCertificatePem() + "\n" + between.ExportCertificatePem() + "\n");
        File.WriteAllText(_options.CertificateKeyFile, own.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
    }

    private static X509Certificate2 Sign(string name, X509Certificate2? by, bool isAuthority)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var (from, until) = (DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        if (by is null)
            return request.CreateSelfSigned(from, until);
        using var signed = request.Create(by, by.NotBefore, by.NotAfter, RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }
}
