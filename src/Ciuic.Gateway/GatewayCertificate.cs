using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Gateway;

/// <summary>
/// The gateway's certificate with those between it and its authority, read again when its file has changed: whoever renews certificates
/// writes files and restarts nothing.
/// </summary>
internal sealed partial class GatewayCertificate
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    private readonly GatewayOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _looking = new();
    private SslStreamCertificateContext _current;
    private string _written;
    private long _looked;

    /// <summary>Reads it.</summary>
    /// <exception cref="InvalidInputException">A file cannot be read, or they do not belong together.</exception>
    public GatewayCertificate(GatewayOptions options, TimeProvider time, ILogger<GatewayCertificate> logger)
    {
        (_options, _time, _logger) = (options, time, logger);
        _looked = time.GetTimestamp();
        (_written, _current) = (Written(), Read());
    }

    /// <summary>The one to show.</summary>
    public SslStreamCertificateContext Current
    {
        get
        {
            lock (_looking)
            {
                if (_time.GetElapsedTime(_looked) < LookEvery)
                    return _current;
                _looked = _time.GetTimestamp();
                return _current = Renewed();
            }
        }
    }

    /// <summary>Half of a renewal may be written: the old one is shown until both files fit.</summary>
    private SslStreamCertificateContext Renewed()
    {
        try
        {
            var written = Written();
            if (written == _written)
                return _current;
            var renewed = Read();
            _written = written;
            LogRenewed(_logger, renewed.TargetCertificate.NotAfter);
            return renewed;
        }
        catch (InvalidInputException error)
        {
            LogNotRenewed(_logger, error.Message);
            return _current;
        }
    }

    /// <summary>What the files hold: times say nothing where they are links to a folder that is replaced, as in Kubernetes.</summary>
    private string Written() => Guard(() => Convert.ToHexString(SHA256.HashData(
        [.. File.ReadAllBytes(_options.CertificateFile), .. File.ReadAllBytes(_options.CertificateKeyFile)])));

    private SslStreamCertificateContext Read() => Guard(() =>
    {
        var certificate = X509Certificate2.CreateFromPemFile(_options.CertificateFile, _options.CertificateKeyFile);
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(_options.CertificateFile);
        all.RemoveAt(0); // the first is its own
        return SslStreamCertificateContext.Create(certificate, all, offline: true);
    });

    private T Guard<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new InvalidInputException(
                $"Ciuic:Gateway:CertificateFile: '{_options.CertificateFile}' with '{_options.CertificateKeyFile}' cannot be read: {error.Message}",
                error);
        }
    }

    [LoggerMessage(200, LogLevel.Information, "The gateway shows a renewed certificate, good until {NotAfter:u}.")]
    private static partial void LogRenewed(ILogger logger, DateTime notAfter);

    [LoggerMessage(201, LogLevel.Warning, "The gateway's certificate was changed and cannot be used; the one before is shown. {Problem}")]
    private static partial void LogNotRenewed(ILogger logger, string problem);
}
