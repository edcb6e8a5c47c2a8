using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>A save that is kept on this machine until it can be committed; its chunks lie beside it. See FORMAT.md.</summary>
/// <param name="Home">Where it was to be stored.</param>
/// <param name="Attempt">What the saves of one process have in common.</param>
/// <param name="Plan">What it was to be begun with.</param>
/// <param name="Base">The committed snapshot that training had gone on from; null where there was none.</param>
/// <param name="Token">The right under which it was trained; null where none was granted.</param>
/// <param name="Manifest">The shard manifest, under sequence 1: its place is not known yet.</param>
internal sealed record SpooledSave(string Home, Guid Attempt, SnapshotPlan Plan, SnapshotLink? Base, FencingToken? Token, byte[] Manifest)
{
    /// <summary>What stands for the sequence until there is one.</summary>
    public static readonly Sequence Placeholder = new(1);

    /// <summary>Whether its chunks are in the bucket already, so that none of them lies beside the record.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool InBucket { get; init; }

    /// <summary>Which bucket it was to be stored in; null where that was not known yet, or is known by the base.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string? Bucket { get; init; }

    /// <summary>With chunks that went through a gateway into the bucket: the receipts for them, by name. Null where there are none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public SortedDictionary<string, string>? Receipts { get; init; }

    /// <summary>The shard manifest at its place.</summary>
    public ShardManifest At(Sequence sequence) => ManifestCodec.DecodeShard(Manifest) with { Sequence = sequence };
}

/// <summary>A save as it lies on the disk.</summary>
/// <param name="Format">Format and version.</param>
/// <param name="Sha256">Of the save's JSON.</param>
/// <param name="Save">The save.</param>
internal sealed record SpoolRecord(string Format, string Sha256, SpooledSave Save)
{
    public const string CurrentFormat = "ciuic.dev/spool/v1";

    /// <summary>The bytes of a save.</summary>
    public static byte[] Encode(SpooledSave save) =>
        JsonSerializer.SerializeToUtf8Bytes(new SpoolRecord(CurrentFormat, DigestOf(save), save), SpoolJson.Default.SpoolRecord);

    /// <summary>Reads them.</summary>
    /// <exception cref="CorruptException">They are damaged, or of a format that this version does not know.</exception>
    public static SpooledSave Decode(ReadOnlySpan<byte> bytes)
    {
        try
        {
            var record = JsonSerializer.Deserialize(bytes, SpoolJson.Default.SpoolRecord);
            if (record is not { Format: CurrentFormat })
                throw new CorruptException($"it is of the format '{record?.Format}', which this version does not know");
            return record.Sha256 == DigestOf(record.Save) ? record.Save : throw new CorruptException("it is damaged");
        }
        catch (JsonException error)
        {
            throw new CorruptException($"it is damaged: {error.Message}", error);
        }
    }

    private static string DigestOf(SpooledSave save) =>
        Convert.ToHexStringLower(SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(save, SpoolJson.Default.SpooledSave)));
}

/// <summary>The JSON of spools.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SpoolRecord))]
internal sealed partial class SpoolJson : JsonSerializerContext;
