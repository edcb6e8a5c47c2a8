using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ciuic.Storage;

/// <summary>What a name node says of a file or a folder.</summary>
/// <param name="PathSuffix">Its name in a list; empty where it was asked for itself.</param>
/// <param name="Type"><c>FILE</c> or <c>DIRECTORY</c>.</param>
/// <param name="Length">Bytes.</param>
/// <param name="ModificationTime">Milliseconds since 1970.</param>
internal sealed record HdfsStatus(string PathSuffix, string Type, long Length, long ModificationTime)
{
    public bool IsFile => Type == "FILE";

    public bool IsDirectory => Type == "DIRECTORY";
}

/// <summary>Answer to GETFILESTATUS.</summary>
internal sealed record HdfsStatusAnswer(HdfsStatus FileStatus);

/// <summary>Answer to LISTSTATUS_BATCH.</summary>
internal sealed record HdfsListingAnswer(HdfsListing DirectoryListing);

/// <summary>A page of a list.</summary>
internal sealed record HdfsListing(HdfsPartialListing PartialListing, int RemainingEntries);

/// <summary>The page's entries, one level deeper.</summary>
internal sealed record HdfsPartialListing(HdfsStatuses FileStatuses);

/// <summary>The page's entries.</summary>
internal sealed record HdfsStatuses(HdfsStatus[] FileStatus);

/// <summary>Answer to MKDIRS, DELETE and one kind of RENAME.</summary>
internal sealed record HdfsYesNo(bool Boolean);

/// <summary>Answer to what went wrong.</summary>
internal sealed record HdfsErrorAnswer(HdfsError? RemoteException);

/// <summary>Which Java exception it was.</summary>
internal sealed record HdfsError(string Exception, string? Message);

/// <summary>Reads answers where there is no reflection, too.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(HdfsStatusAnswer))]
[JsonSerializable(typeof(HdfsListingAnswer))]
[JsonSerializable(typeof(HdfsYesNo))]
[JsonSerializable(typeof(HdfsErrorAnswer))]
internal sealed partial class WebHdfsJson : JsonSerializerContext;
