using System.ComponentModel.DataAnnotations;
using Ciuic.Core;

namespace Ciuic.Client;

/// <summary>What SIGTERM does, and Ctrl-C.</summary>
public enum OnTerminate
{
    /// <summary>
    /// Save at the next step, wait for the commit, end the process: with exit code 0 if all is committed. Where other runs are open in the
    /// process, or a generic host runs in it, the run is closed and the program ends itself.
    /// </summary>
    SaveAndExit = 1,

    /// <summary>Save at the next step and wait for the commit; the program ends itself.</summary>
    Save,

    /// <summary>Leave the signal alone.</summary>
    Ignore,
}

/// <summary>What happens to a state that holds NaN or infinity.</summary>
public enum NonFiniteCheck
{
    /// <summary>Nobody looks.</summary>
    Off = 1,

    /// <summary>The log names the tensors.</summary>
    Warn,

    /// <summary>The log names them, and the snapshot gets the label <c>non_finite</c> with their names.</summary>
    Tag,
}

/// <summary>Section <c>Ciuic:Save</c>: when and how a trainer saves. The conditions are OR-ed.</summary>
public sealed class SaveOptions
{
    private const int MaxBufferBytes = 192 << 20;
    private const string Nowhere = "none";

    /// <summary>Save when the step is a multiple of this; 0 switches it off. Default 100.</summary>
    [Range(0, long.MaxValue)]
    public long EverySteps { get; set; } = 100;

    /// <summary>Save at the end of each epoch. Default false.</summary>
    public bool EveryEpoch { get; set; }

    /// <summary>Save when this much time has passed since the last save; zero switches it off.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "10.00:00:00")]
    public TimeSpan EveryTime { get; set; } = TimeSpan.Zero;

    /// <summary>
    /// The part of the training time that saves may hold it up, such as 0.035; 0 switches it off. Steps are then not counted by
    /// <see cref="EverySteps"/>, except before the first save: the interval is the smallest that keeps to it, by what a save
    /// and a step are measured to take. Default 0.
    /// </summary>
    [Range(0.0, 0.5)]
    public double MaxOverhead { get; set; }

    /// <summary>Default <see cref="OnTerminate.SaveAndExit"/>.</summary>
    [EnumDataType(typeof(OnTerminate))]
    public OnTerminate OnTerminate { get; set; } = OnTerminate.SaveAndExit;

    /// <summary>How long SIGTERM waits for the last commit. Default 1 minute.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan TerminateDeadline { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// How long the end of a program waits for saves that do not move any more, such as where no silo comes: FinishAsync, closing a run, and a
    /// process that just ends. What is not committed then is kept in <see cref="SpoolDirectory"/>. Long enough for a silo to be started again
    /// elsewhere, short enough for a batch job. 0 to 1 day; default 1 minute.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan FinishDeadline { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Bytes of staging memory. Where there is room for two copies of the state, the snapshot before stays in memory, and the
    /// next one is stored as the difference to it; below one, saves go in parts, and training waits for the store. Default 64 GiB.
    /// </summary>
    [Range(1, long.MaxValue)]
    public long MaxStagingBytes { get; set; } = 64L << 30;

    /// <summary>
    /// How long a save waits for the one before it to leave the staging buffer; then it is skipped, and said so:
    /// a slow store must not stop training. Where nothing has moved since, the next ones are skipped without waiting. Default 30 s.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan MaxWait { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Uploaded saves that may wait for a silo that is away; a further one makes the oldest give way. Default 16.
    /// </summary>
    [Range(1, 10_000)]
    public int MaxWaiting { get; set; } = 16;

    /// <summary>
    /// Whether saved tensors are searched for NaN and infinity, in the background. Default <see cref="NonFiniteCheck.Warn"/>.
    /// </summary>
    [EnumDataType(typeof(NonFiniteCheck))]
    public NonFiniteCheck NonFinite { get; set; } = NonFiniteCheck.Warn;

    /// <summary>
    /// Items that do not train, separated by commas, such as <c>base_model</c>: of others the log says so when all their tensors
    /// are, to the bit, what they were in a committed snapshot of an earlier step. Default none.
    /// </summary>
    public string FrozenItems { get; set; } = "";

    /// <summary>
    /// The run's private key, made by <c>ciuic signing-key</c>: every shard is signed with it, and history names it. Empty: shards
    /// are not signed.
    /// </summary>
    public string KeyFile { get; set; } = "";

    /// <summary>
    /// Where saves are kept that cannot be stored or committed: while the bucket, the gateway to it, or every silo is away for longer than
    /// <see cref="SpoolAfter"/>, and when the process ends before that. They are not committed until the run is opened again, or synced. For a
    /// process that trains alone, and a state that fits into the staging memory. Empty: in <c>~/.local/state/ciuic/spool</c>; none: nowhere,
    /// saves wait in memory, and those for which there is no room are skipped.
    /// </summary>
    public string SpoolDirectory { get; set; } = "";

    /// <summary>Default 15 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "1.00:00:00")]
    public TimeSpan SpoolAfter { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>Bytes of one run's spool; the oldest saves give way to the newest. Default 16 GiB.</summary>
    [Range(1, long.MaxValue)]
    public long MaxSpoolBytes { get; set; } = 16L << 30;

    /// <summary>Plain bytes of a full chunk, 64 KiB to 64 MiB, a multiple of 16: numbers of any type are then whole. Default 4 MiB.</summary>
    [Range(64 << 10, ManifestLimits.MaxChunkBytes), MultipleOf(16)]
    public int ChunkBytes { get; set; } = ShardPlan.DefaultChunkBytes;

    /// <summary>
    /// Chunks on their way to the store at once, or from it. 0 means as many as keep their buffers within about 192 MiB, but two at
    /// least: up to sixteen per core when saving, because a store that flushes many of them together is kept busy only by more than it
    /// takes at once, and up to four per core when restoring.
    /// </summary>
    [Range(0, 1_024)]
    public int Parallelism { get; set; }

    /// <summary>The folder of all spools; null for nowhere.</summary>
    internal string? SpoolFolder => SpoolDirectory switch
    {
        Nowhere => null,
        { Length: > 0 } set => set,
        _ => StateFolder.Find(Environment.GetEnvironmentVariable) is { } state ? Path.Combine(state, "spool") : null,
    };

    /// <summary>Chunks stored at once: each has a buffer until the store has it, each core another to encode.</summary>
    internal int Writers
    {
        get
        {
            var buffers = MaxBufferBytes / ChunkBytes;
            return AtMost(16 * Environment.ProcessorCount, buffers - Math.Min(Environment.ProcessorCount, buffers / 2));
        }
    }

    /// <summary>
    /// Chunks read at once: each has a buffer for its frame and one for the next frame, and a prediction up to four for what it is
    /// made from.
    /// </summary>
    internal int Readers => AtMost(4 * Environment.ProcessorCount, MaxBufferBytes / (6 * ChunkBytes));

    private int AtMost(int useful, int affordable) =>
        Parallelism > 0 ? Parallelism : Math.Max(2, Math.Min(useful, affordable));
}
