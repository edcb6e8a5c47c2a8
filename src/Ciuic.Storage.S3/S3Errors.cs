using System.Net;
using System.Security.Authentication;
using Amazon.Runtime;
using Amazon.S3;
using Ciuic.Core;

namespace Ciuic.Storage.S3;

/// <summary>What the server, the SDK and the network say, in words of ours.</summary>
internal static class S3Errors
{
    /// <summary>Answers that say that the settings are wrong, with what to do about it: asking again cannot help.</summary>
    private static readonly Dictionary<string, string> Settings = new(StringComparer.Ordinal)
    {
        ["NoSuchBucket"] = "there is no such bucket; create it, or correct Ciuic:Store:Uri",
        ["InvalidBucketName"] = "the server does not take this bucket name; correct Ciuic:Store:Uri",
        ["InvalidAccessKeyId"] = "the server does not know the access key; set Ciuic__S3__AccessKey and Ciuic__S3__SecretKey",
        ["SignatureDoesNotMatch"] = "the secret key is wrong; set Ciuic__S3__SecretKey",
        ["AccessDenied"] = "these credentials may not do this; they need to get, put, list and delete objects of the bucket",
        ["RequestTimeTooSkewed"] = "this machine's clock differs too much from the server's; set it right",
        ["AuthorizationHeaderMalformed"] = "requests are signed for another region; set Ciuic:S3:Region",
        ["IllegalLocationConstraintException"] = "the bucket is in another region; set Ciuic:S3:Region",
        ["PermanentRedirect"] = "the bucket is in another region; set Ciuic:S3:Region or Ciuic:S3:Endpoint",
    };

    private static readonly Dictionary<string, string> Passing = new(StringComparer.Ordinal)
    {
        ["QuotaExceeded"] = "the bucket is full; raise its quota or delete from it",
        ["InsufficientStorage"] = "the server is full",
        ["BadDigest"] = "the bytes were damaged on their way to the server",
        ["XAmzContentSHA256Mismatch"] = "the bytes were damaged on their way to the server",
        ["SlowDown"] = "the server asks for fewer requests",
    };

    /// <summary>Whether this is how a request that was never answered, or not well, ends.</summary>
    public static bool IsOurs(Exception error, CancellationToken cancel) =>
        !cancel.IsCancellationRequested
        && error is AmazonServiceException or AmazonClientException or HttpRequestException or IOException or TimeoutException
            or OperationCanceledException;

    /// <summary>An error of a request, as one of ours.</summary>
    /// <param name="what">What was asked for.</param>
    /// <param name="error">What came instead.</param>
    public static UnavailableException Unavailable(string what, Exception error) => new($"{what}: {Reason(error)}.", error)
    {
        IsFull = error is AmazonS3Exception { ErrorCode: "QuotaExceeded" or "InsufficientStorage" },
    };

    /// <summary>An error while a bucket is opened: what no retry can mend is wrong input.</summary>
    public static CiuicException AtOpening(string what, Exception error) => IsOfSettings(error)
        ? new InvalidInputException($"{what}: {Reason(error)}.", error)
        : Unavailable(what, error);

    public static bool Is(this AmazonServiceException error, HttpStatusCode status) => error.StatusCode == status;

    /// <summary>
    /// The server says that there is no such object. Nothing else is absence: another 404 is of an ingress without a backend, or of
    /// somebody else's server, and what is not seen is acted on for good.
    /// </summary>
    public static bool IsNoSuchKey(this AmazonS3Exception error) => error.Is(HttpStatusCode.NotFound) && error.ErrorCode == "NoSuchKey";

    private static bool IsOfSettings(Exception error) =>
        error is AmazonS3Exception { ErrorCode: { } code } && Settings.ContainsKey(code)
        || error is AmazonClientException { InnerException: null }
        || IsTls(error);

    private static string Reason(Exception error)
    {
        if (error is AmazonS3Exception { ErrorCode: { } code })
        {
            return Settings.TryGetValue(code, out var known) || Passing.TryGetValue(code, out known)
                ? $"{known} ({code})"
                : $"the server says {(int)((AmazonS3Exception)error).StatusCode} {code}: {OneLine(error.Message)}";
        }

        if (IsTls(error))
            return $"the server's certificate is not trusted ({Innermost<AuthenticationException>(error)!.Message.TrimEnd('.')}); see Ciuic:S3:CaFile";
        return error is OperationCanceledException or TimeoutException
            ? "no answer in time"
            : OneLine(error.GetBaseException().Message);
    }

    private static bool IsTls(Exception error) => Innermost<AuthenticationException>(error) is not null;

    private static T? Innermost<T>(Exception? error)
        where T : Exception
    {
        for (; error is not null; error = error.InnerException)
        {
            if (error is T found)
                return found;
        }

        return null;
    }

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").TrimEnd('.', ' ');
}
