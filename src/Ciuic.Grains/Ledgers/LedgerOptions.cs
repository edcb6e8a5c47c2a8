using System.ComponentModel.DataAnnotations;
using Ciuic.Core;

namespace Ciuic.Grains;

/// <summary>Section <c>Ciuic:Ledger</c>.</summary>
public sealed class LedgerOptions
{
    /// <summary>The ledger's folder in the bucket: 1 to 100 letters, digits, '.', '_' or '-'.</summary>
    [Required, RegularExpression("^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    public string Name { get; set; } = "main";

    /// <summary>
    /// The ledger's name in the world, in its blocks and keys: a host name and path that you own, without scheme.
    /// It cannot be changed later.
    /// </summary>
    [Required, RegularExpression(@"^[^\s+]{1,200}$")]
    public string Origin { get; set; } = "ciuic.local/main";

    /// <summary>
    /// Holds the private keys, made at first start and readable by their owner only. Back it up: without it nobody
    /// can append to this ledger again.
    /// </summary>
    [Required]
    public string KeyDirectory { get; set; } = "artifacts/silo/keys";

    /// <summary>
    /// The private key that a new ledger signs blocks with, <c>PRIVATE+KEY+...</c>, and after a space those it rotates to;
    /// only ever given by environment variable. Empty: a file in the key directory, made at first start.
    /// </summary>
    public string BlocksKey { get; set; } = "";

    /// <summary>The private key that a new ledger signs tree heads with; like <see cref="BlocksKey"/>.</summary>
    public string TreeHeadKey { get; set; } = "";

    /// <summary>
    /// Records waiting at once; more are refused as unavailable, so that a dead store cannot fill the memory.
    /// </summary>
    [Range(1, 1_000_000)]
    public int MaxWaiting { get; set; } = 100_000;

    /// <summary>
    /// Time between two published tree heads under load: a smaller one costs more small objects, a larger one
    /// lets the public view lag behind.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "00:10:00")]
    public TimeSpan PublishInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// A C2SP tlog-policy file: whose cosignatures make a tree head final. Empty: <c>quorum none</c>, the ledger's key
    /// alone.
    /// </summary>
    public string PolicyFile { get; set; } = "";

    /// <summary>How long one witness may take to answer.</summary>
    [Range(typeof(TimeSpan), "00:00:00.1", "00:05:00")]
    public TimeSpan WitnessTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Longest pause between two tries to publish when the quorum is not reached; the first one is a second, and each
    /// is twice the one before.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "01:00:00")]
    public TimeSpan MaxPublishPause { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Whether all blocks are read and checked in the background when the ledger is opened, and missing tiles derived
    /// again. Damage stops appending.
    /// </summary>
    public bool CheckAtStart { get; set; } = true;

    /// <summary>How long the first append waits for that check; a longer ledger is checked beside the appends.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "01:00:00")]
    public TimeSpan CheckPatience { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How often a ledger that was found damaged is looked at again, when somebody asks for it: nothing is appended before
    /// all its blocks are right.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.01", "1.00:00:00")]
    public TimeSpan RecheckInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often all objects of the ledger are read again: blocks, tiles, bundles, tree heads and notes of keys. What is damaged or
    /// missing and is there a second time is put back. One read per block, so a long ledger is not read too often.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "365.00:00:00")]
    public TimeSpan ScrubInterval { get; set; } = TimeSpan.FromDays(1);

    /// <summary>
    /// How often it is asked whether that is due, and the notes of keys are looked at: without them nobody can resume from the bucket.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LookInterval { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// How far this machine's clock may be behind the newest block before it is warned of. Block times grow all the same:
    /// they are clamped to the block's before.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.001", "1.00:00:00")]
    public TimeSpan MaxClockLag { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A cluster has one ledger. Another name is somebody's mistake, and following it would make a second history that is signed
    /// with the same keys.
    /// </summary>
    /// <exception cref="NotFoundException">It is not this cluster's ledger.</exception>
    internal void RequireOwn(string name)
    {
        if (name != Name)
            throw new NotFoundException($"There is no ledger '{name}' in this cluster: its ledger is '{Name}' (Ciuic:Ledger:Name).");
    }

    /// <summary>
    /// Remembers the newest tree head this cluster has seen, so that a bucket that was rolled back is noticed. Empty:
    /// beside the keys.
    /// </summary>
    public string StateDirectory { get; set; } = "";
}
