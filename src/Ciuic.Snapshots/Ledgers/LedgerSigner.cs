using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Where private keys come from.</summary>
public interface ISigningKeys
{
    /// <summary>All private keys at hand; of each role the first is the one a new ledger begins with.</summary>
    /// <exception cref="InvalidInputException">A key cannot be used; the message names it.</exception>
    IReadOnlyList<SigningKey> Load();

    /// <summary>Makes another key of a role; it is stored durably before this returns.</summary>
    /// <exception cref="InvalidInputException">It cannot be stored.</exception>
    SigningKey Make(KeyRole role);
}

/// <summary>
/// The private keys of one ledger. Which of them sign now is said by the ledger itself: rotation makes a new key here
/// first, and it counts once the ledger names it.
/// </summary>
/// <param name="origin">The ledger's name in the world.</param>
/// <param name="source">Where the keys come from.</param>
public sealed class LedgerSigner(string origin, ISigningKeys source)
{
    private readonly Lock _lock = new();
    private IReadOnlyList<SigningKey> _keys = source.Load();

    /// <summary>The ledger's name in the world.</summary>
    public string Origin => origin;

    /// <summary>The public keys a new ledger of this signer begins with.</summary>
    public LedgerKeys InitialKeys =>
        new(origin, [First(KeyRole.TreeHead).Verifier], [First(KeyRole.Blocks).Verifier]);

    /// <summary>Public halves of all tree head keys at hand.</summary>
    public IReadOnlyList<VerifierKey> TreeHeadVerifiers => Of(KeyRole.TreeHead).Select(k => k.Verifier).ToList();

    /// <summary>Public halves of all block keys at hand.</summary>
    public IReadOnlyList<VerifierKey> BlockVerifiers => Of(KeyRole.Blocks).Select(k => k.Verifier).ToList();

    /// <summary>The private half of a public key.</summary>
    /// <exception cref="ConflictException">It is not at hand: this ledger belongs to somebody else, or a file is missing.</exception>
    public SigningKey Find(VerifierKey key) => TryFind(key) ?? throw new ConflictException(
        $"Ledger '{origin}' is signed with the key {key.Name} {key.Id:x8}, whose private half is not in the key directory. "
        + "Put its file back (Ciuic:Ledger:KeyDirectory), or give this cluster a ledger of another name.");

    /// <summary>The private half of a public key, or null where it is not at hand.</summary>
    public SigningKey? TryFind(VerifierKey key)
    {
        lock (_lock)
        {
            if (Known(key) is { } known)
                return known;
            _keys = source.Load(); // another silo may have rotated
            return Known(key);
        }
    }

    /// <summary>The key that a rotation would put in force: one that is at hand and unused, or a new one.</summary>
    /// <param name="role">What it will sign.</param>
    /// <param name="used">The ledger's keys so far.</param>
    public SigningKey Next(KeyRole role, LedgerKeys used)
    {
        lock (_lock)
        {
            _keys = source.Load();
            var unused = Of(role).Find(k => !used.TreeHead.Concat(used.Blocks).Contains(k.Verifier));
            if (unused is not null)
                return unused;
            var made = source.Make(role);
            _keys = [.. _keys, made];
            return made;
        }
    }

    private SigningKey First(KeyRole role) => Of(role).FirstOrDefault()
        ?? throw new InvalidInputException($"Ledger '{origin}' has no private key for {role.Name()}.");

    private SigningKey? Known(VerifierKey key) => _keys.FirstOrDefault(k => k.Verifier.Equals(key));

    private List<SigningKey> Of(KeyRole role) => _keys.Where(k => k.Name == role.KeyName(origin)).ToList();
}
