using System.ComponentModel.DataAnnotations;

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
}
