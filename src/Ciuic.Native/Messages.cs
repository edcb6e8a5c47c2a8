using System.Text.Json.Serialization;
using Ciuic.Contracts;
using Ciuic.Core;

namespace Ciuic.Native;

/// <summary>What went wrong.</summary>
internal sealed record Problem(string Kind, string Detail);

/// <summary>Settings, each <c>Ciuic:Section:Name</c> and its value.</summary>
internal sealed record OpenArguments(Dictionary<string, string?> Settings);

/// <summary>A thing that was opened.</summary>
internal sealed record Handle(long Id);

/// <summary>A thing to close.</summary>
/// <param name="Id">Of anything.</param>
/// <param name="Seconds">How long the saves of a run are waited for; what is not committed then is kept on this machine.</param>
internal sealed record CloseArguments(long Id, double Seconds = 0);

/// <summary>A run.</summary>
internal sealed record RunArguments(long Chain, string Run);

/// <summary>A run to open, and what settings and environment do not say of the ranks that train it: -1, 0 and nothing where they do.</summary>
internal sealed record OpenRunArguments(long Chain, string Run, int Rank = -1, int WorldSize = 0, string Attempt = "");

/// <summary>A snapshot as people name it.</summary>
internal sealed record SnapshotArguments(long Chain, string Run, string Reference, string[] Parts, string Reason = "", bool Force = false);

/// <summary>How a run stands.</summary>
internal sealed record RunStatus(int Rank, int WorldSize, bool IsFenced, ulong? Token, int Waiting, int Skipped);

/// <summary>A tensor of a snapshot.</summary>
internal sealed record SavedTensorView(string Name, string Dtype, long[] Shape, long Length);

/// <summary>An item of a snapshot.</summary>
internal sealed record SavedItemView(string Item, SavedTensorView[] Tensors, string[] Bytes);

/// <summary>What a run is resumed from.</summary>
/// <param name="Source">Where its bytes are read; 0 where there is nothing.</param>
/// <param name="Snapshot">Null where there is nothing.</param>
/// <param name="Step">Where training goes on.</param>
/// <param name="Items">What can be read.</param>
/// <param name="Damage">Newer snapshots that were passed over, and why.</param>
/// <param name="WithoutSilo">Whether the bucket alone was asked.</param>
internal sealed record ResumeAnswer(
    long Source, SnapshotSummary? Snapshot, long Step, SavedItemView[] Items, string[] Damage, bool WithoutSilo);

/// <summary>A snapshot that was opened to be read.</summary>
internal sealed record ReadAnswer(long Source, SnapshotSummary Snapshot, SavedItemView[] Items);

/// <summary>A snapshot in a few words.</summary>
internal sealed record SnapshotSummary
{
    public required string Run { get; init; }

    public required long Sequence { get; init; }

    public required string Manifest { get; init; }

    public required long Step { get; init; }

    public required long Epoch { get; init; }

    public required long NextSample { get; init; }

    /// <summary>The snapshot that it was committed on; 0: none, or not known.</summary>
    public required long Parent { get; init; }

    public required DateTimeOffset? CreatedAt { get; init; }

    public required IReadOnlyDictionary<string, double> Metrics { get; init; }

    public required IReadOnlyDictionary<string, string> Labels { get; init; }
}

/// <summary>Snapshots, newest first.</summary>
internal sealed record ListAnswer(SnapshotSummary[] Snapshots);

internal sealed record SyncArguments(long Chain, string Run, bool Discard);

internal sealed record SyncAnswer(SyncedSaveView[] Saves);

/// <param name="Step">The save's step.</param>
/// <param name="Outcome">committed, left or discarded.</param>
/// <param name="Sequence">The committed snapshot; 0: none.</param>
/// <param name="Reason">Why it was left.</param>
internal sealed record SyncedSaveView(long Step, string Outcome, long Sequence, string Reason);

/// <summary>Where bytes of a tensor go.</summary>
internal sealed record ReadTarget(string Item, string Name, ulong Address, long Length);

/// <summary>Bytes to be copied.</summary>
internal sealed record CopyArguments(long Source, ReadTarget[] Targets);

/// <summary>A byte item to be read.</summary>
internal sealed record BytesArguments(long Source, string Item, string Name);

/// <summary>Its bytes.</summary>
internal sealed record BytesAnswer(byte[] Bytes);

/// <summary>A tensor in the caller's memory: row-major, without gaps, until the call returns.</summary>
internal sealed record LiveTensor(string Name, string Dtype, long[] Shape, ulong Address, bool FirstRank = false);

/// <summary>Bytes in the caller's memory, until the call returns.</summary>
internal sealed record LiveBytes(ulong Address, int Length);

/// <summary>An item to be saved; its byte items in base64, or where they lie.</summary>
internal sealed record LiveItem(
    string Item,
    LiveTensor[] Tensors,
    Dictionary<string, byte[]> Bytes,
    bool IsPerRank = false,
    Dictionary<string, LiveBytes>? BytesAt = null)
{
    /// <summary>All byte items.</summary>
    public unsafe IEnumerable<KeyValuePair<string, byte[]>> AllBytes() => Bytes.Concat((BytesAt ?? []).Select(
        b => KeyValuePair.Create(b.Key, new ReadOnlySpan<byte>((byte*)b.Value.Address, b.Value.Length).ToArray())));
}

/// <summary>What to save.</summary>
internal sealed record SaveArguments(
    long Run, long Step, long Epoch, long NextSample, Dictionary<string, double> Metrics, Dictionary<string, string> Labels, LiveItem[] Items);

/// <summary>A save on its way.</summary>
internal sealed record SaveAnswer(long Save, double StallSeconds, long Bytes, string[] EarlierErrors);

/// <summary>Saves that the caller has not closed, oldest first.</summary>
internal sealed record SavesAnswer(SaveView[] Saves);

internal sealed record SaveView(long Save, long Step, double StallSeconds, long Bytes);

/// <summary>The committed snapshot that the caller's state was loaded from.</summary>
internal sealed record ContinueArguments(long Run, long Sequence, string Manifest, string Reason);

/// <summary>A save to wait for.</summary>
internal sealed record WaitArguments(long Save, double Seconds, bool Final = false);

/// <summary>How a save stands: <c>pending</c> or <c>committed</c>; one that failed is an error.</summary>
internal sealed record WaitAnswer(string State, long Sequence, string Manifest);

/// <summary>Whether a save is due.</summary>
internal sealed record DueArguments(long Run, long Step, bool EndOfEpoch);

/// <summary>The answer.</summary>
internal sealed record DueAnswer(bool Due);

/// <summary>A line of the log.</summary>
internal sealed record LogLine(string Level, string Text);

/// <summary>Lines that nobody has taken yet.</summary>
internal sealed record LogAnswer(LogLine[] Lines);

/// <summary>Nothing to say.</summary>
internal sealed record Nothing;

/// <summary>The interface's JSON.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    RespectRequiredConstructorParameters = false)]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(OpenArguments))]
[JsonSerializable(typeof(Handle))]
[JsonSerializable(typeof(CloseArguments))]
[JsonSerializable(typeof(RunArguments))]
[JsonSerializable(typeof(OpenRunArguments))]
[JsonSerializable(typeof(SnapshotArguments))]
[JsonSerializable(typeof(RunStatus))]
[JsonSerializable(typeof(ResumeAnswer))]
[JsonSerializable(typeof(ReadAnswer))]
[JsonSerializable(typeof(ListAnswer))]
[JsonSerializable(typeof(SyncArguments))]
[JsonSerializable(typeof(SyncAnswer))]
[JsonSerializable(typeof(CopyArguments))]
[JsonSerializable(typeof(BytesArguments))]
[JsonSerializable(typeof(BytesAnswer))]
[JsonSerializable(typeof(SaveArguments))]
[JsonSerializable(typeof(SaveAnswer))]
[JsonSerializable(typeof(SavesAnswer))]
[JsonSerializable(typeof(ContinueArguments))]
[JsonSerializable(typeof(WaitArguments))]
[JsonSerializable(typeof(WaitAnswer))]
[JsonSerializable(typeof(DueArguments))]
[JsonSerializable(typeof(DueAnswer))]
[JsonSerializable(typeof(LogAnswer))]
[JsonSerializable(typeof(Nothing))]
internal sealed partial class NativeJson : JsonSerializerContext;
