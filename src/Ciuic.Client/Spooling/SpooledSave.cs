using System.Text.Json.Serialization;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>A save that is kept on this machine until it can be committed; its chunks lie beside it. See FORMAT.md.</summary>
/// <param name="Format">Format and version.</param>
/// <param name="Home">Where it was to be stored.</param>
/// <param name="Plan">What it was to be begun with.</param>
/// <param name="Base">The committed snapshot that training had gone on from; null where there was none.</param>
/// <param name="Token">The right under which it was trained; null where none was granted.</param>
/// <param name="Manifest">The shard manifest, under sequence 1: its place is not known yet.</param>
internal sealed record SpooledSave(string Format, string Home, SnapshotPlan Plan, SnapshotLink? Base, FencingToken? Token, byte[] Manifest)
{
    public const string CurrentFormat = "ciuic.dev/spool/v1";

    /// <summary>What stands for the sequence until there is one.</summary>
    public static readonly Sequence Placeholder = new(1);

    /// <summary>The shard manifest at its place.</summary>
    public ShardManifest At(Sequence sequence) => ManifestCodec.DecodeShard(Manifest) with { Sequence = sequence };
}

/// <summary>The JSON of <see cref="SpooledSave"/>.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(SpooledSave))]
internal sealed partial class SpoolJson : JsonSerializerContext;
