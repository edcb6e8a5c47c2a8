using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Silo;

/// <summary>
/// Finds the private keys that this silo signs with, and makes sure before it joins others that they are those of the ledger in its
/// bucket and of the ledger that its database knows. One silo with other keys would stop the commits of all.
/// </summary>
internal sealed class LedgerFit(SiloSettings settings, IObjectStore store, IClusterMemory memory)
{
    private readonly LedgerBucket _bucket = new(store, settings.Ledger.Name);

    /// <summary>The keys; new ones only where there is no ledger yet that others could have been made for.</summary>
    /// <exception cref="InvalidInputException">They are missing, or do not fit.</exception>
    /// <exception cref="UnavailableException">Bucket or database do not answer.</exception>
    public async Task<LedgerSigner> SignerAsync(CancellationToken cancel)
    {
        var mark = LedgerMark.Parse(await memory.ReadAsync(LedgerMark.Name, cancel), memory.Location);
        var first = await _bucket.GetBlockAsync(0, cancel);
        var hasLedger = await KeyNotes.ExistAsync(_bucket, cancel);
        var files = new LedgerKeyStore(settings.Ledger, makesKeys: settings.Database.PostgreSql.Length == 0);
        files.RequireFirst(WhyNoneIsMade(hasLedger, mark));
        var signer = new LedgerSigner(settings.Ledger.Origin, files);
        var keys = hasLedger ? await KeysAsync(signer, first, cancel) : signer.InitialKeys;
        RequireAtHand(signer, keys);
        await RequireSameAsync(LedgerMark.Of(settings.Ledger.Name, keys.Initial), mark, cancel);
        return signer;
    }

    /// <summary>Why keys that are missing are not made; null where they are.</summary>
    private string? WhyNoneIsMade(bool hasLedger, LedgerMark? mark)
    {
        if (hasLedger)
            return $"ledger '{settings.Ledger.Name}' in {store.Location} has keys, and new ones could not append to it: bring back theirs from a backup";
        if (mark is not null)
            return $"{memory.Location} knows the {mark}: bring back its keys from a backup";
        return settings.Database.PostgreSql.Length == 0
            ? null
            : "beside PostgreSQL no silo makes keys, because all need the same: make them once, with 'ciuic signing-key', and give them to all";
    }

    /// <summary>
    /// The ledger's keys as far as its notes tell. A note that is missing or damaged is derived again from the blocks, by whoever has signed
    /// the first one.
    /// </summary>
    private async Task<LedgerKeys> KeysAsync(LedgerSigner signer, byte[]? first, CancellationToken cancel)
    {
        try
        {
            return (await KeyNotes.ReadAsync(_bucket, signer.TreeHeadVerifiers, cancel)).Newest;
        }
        catch (Exception error) when (error is CorruptException or NotFoundException)
        {
            if (first is not null && HasSigned(signer, first))
                return signer.InitialKeys;
            throw new InvalidInputException(
                $"This silo does not fit the ledger '{_bucket.Name}' in {store.Location}, which is {await DescribeAsync(cancel)}: its own keys are "
                + $"{Describe(signer.InitialKeys)} (Ciuic:Ledger:Origin, Ciuic:Ledger:KeyDirectory). Correct Ciuic:Store:Uri, or bring back the "
                + $"ledger's keys. ({error.Message})",
                error);
        }
    }

    private static bool HasSigned(LedgerSigner signer, byte[] block)
    {
        try
        {
            return Block.Open(block, signer.InitialKeys.Blocks).Height == 0;
        }
        catch (CorruptException)
        {
            return false;
        }
    }

    private void RequireAtHand(LedgerSigner signer, LedgerKeys keys)
    {
        foreach (var key in new[] { keys.ActiveBlocks, keys.ActiveTreeHead })
        {
            if (signer.TryFind(key) is null)
            {
                throw new InvalidInputException(
                    $"The ledger '{_bucket.Name}' in {store.Location} is signed with the key {key.Name} {key.Id:x8} now, whose private half is neither in "
                    + $"Ciuic:Ledger:KeyDirectory ({Path.GetFullPath(settings.Ledger.KeyDirectory)}) nor given: nothing could be committed. Put it there.");
            }
        }
    }

    private async Task RequireSameAsync(LedgerMark mine, LedgerMark? known, CancellationToken cancel)
    {
        // Before this line: the next silo to start says which ledger it is. After it: none with another one starts.
        if (known is null && !await memory.TryWriteAsync(LedgerMark.Name, null, mine.Encode(), cancel))
            known = LedgerMark.Parse(await memory.ReadAsync(LedgerMark.Name, cancel), memory.Location);
        if (known is not null && known != mine)
        {
            throw new InvalidInputException(
                $"This silo does not fit its cluster: its ledger is the {mine}, in {store.Location}; {memory.Location} knows the {known}. Correct "
                + "Ciuic:Ledger, Ciuic:Store:Uri or Ciuic:Database; a new ledger needs a database of its own.");
        }
    }

    private async Task<string> DescribeAsync(CancellationToken cancel)
    {
        try
        {
            return Describe((await KeyNotes.ReadAsync(_bucket, [], cancel)).Newest);
        }
        catch (Exception error) when (error is CorruptException or NotFoundException)
        {
            return "signed with keys that no note names any more";
        }
    }

    private static string Describe(LedgerKeys keys) =>
        $"{keys.Origin} with the keys {keys.ActiveTreeHead.Id:x8} of tree heads and {keys.ActiveBlocks.Id:x8} of blocks";
}
