using System.Net;
using System.Security.Authentication;

namespace Ciuic.Storage;

/// <summary>A server's answer that is no success.</summary>
/// <param name="status">Of HTTP.</param>
/// <param name="kind">The Java exception's name; empty where the server said none.</param>
/// <param name="message">What it said.</param>
internal sealed class WebHdfsException(HttpStatusCode status, string kind, string message) : Exception(message)
{
    private static readonly HashSet<string> OfSettings = new(StringComparer.Ordinal)
    {
        "AccessControlException", "AuthorizationException", "SecurityException", "InvalidToken", "ExpiredTokenException",
        "IllegalArgumentException", "UnsupportedOperationException",
    };

    private static readonly HashSet<string> OfLimits = new(StringComparer.Ordinal)
    {
        "DSQuotaExceededException", "NSQuotaExceededException", "QuotaExceededException", "MaxDirectoryItemsExceededException",
        "PathIsNotEmptyDirectoryException", "ParentNotDirectoryException", "InvalidPathException",
    };

    /// <summary>The name node says so. A 404 of somebody between us and it says nothing, and passes.</summary>
    public bool IsNotFound => kind == "FileNotFoundException";

    public bool IsAlreadyExists => kind == "FileAlreadyExistsException";

    /// <summary>A folder holds as much as it may.</summary>
    public bool IsQuota => kind is "DSQuotaExceededException" or "NSQuotaExceededException" or "QuotaExceededException";

    /// <summary>Another name node may be the active one.</summary>
    public bool IsStandby => kind is "StandbyException" or "RetriableException";

    /// <summary>Who or what we are is wrong; asking again cannot help.</summary>
    public bool IsOfSettings => status == HttpStatusCode.Unauthorized || OfSettings.Contains(kind);

    /// <summary>Asking again soon cannot help.</summary>
    public bool IsFinal => IsOfSettings || IsNotFound || IsAlreadyExists || OfLimits.Contains(kind);

    /// <summary>What it says, with what to do about it.</summary>
    public string Reason => status == HttpStatusCode.Unauthorized || kind is "SecurityException" or "InvalidToken" or "ExpiredTokenException"
        ? $"the cluster does not let us in; set Ciuic:WebHdfs:User, or Ciuic:WebHdfs:TokenFile to a valid delegation token ({Said})"
        : kind == "AccessControlException"
            ? $"this user may not do this; it needs to read and write the folder ({Said})"
            : $"the server says {Said}";

    private string Said => $"{(int)status} {kind}: {FirstLine(Message)}".Replace(" :", ":", StringComparison.Ordinal);

    /// <summary>Whether this is how a request that was never answered, or not well, ends.</summary>
    public static bool IsOne(Exception error, CancellationToken cancel) =>
        !cancel.IsCancellationRequested
        && error is WebHdfsException or HttpRequestException or IOException or TimeoutException or OperationCanceledException;

    /// <summary>Whether the same request may well succeed later.</summary>
    public static bool IsPassing(Exception error) => error switch
    {
        WebHdfsException said => !said.IsFinal,
        HttpRequestException { InnerException: AuthenticationException } => false,
        _ => error is HttpRequestException or IOException or TimeoutException,
    };

    /// <summary>What happened, in one line.</summary>
    public static string ReasonOf(Exception error) => error switch
    {
        WebHdfsException said => said.Reason,
        HttpRequestException { InnerException: AuthenticationException tls } =>
            $"the server's certificate is not trusted ({FirstLine(tls.Message)}); see Ciuic:WebHdfs:CaFile",
        TimeoutException or OperationCanceledException => "no answer in time",
        _ => FirstLine(error.GetBaseException().Message),
    };

    private static string FirstLine(string text) => text.Split('\n', 2)[0].TrimEnd('.', ' ', '\r');
}
