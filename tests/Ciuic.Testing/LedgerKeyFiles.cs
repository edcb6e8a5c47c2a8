using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Testing;

/// <summary>The keys of a cluster's ledger: beside PostgreSQL no silo makes them, so whoever starts silos there does, once.</summary>
public static class LedgerKeyFiles
{
    /// <summary>The origin of silos that are started by a demo's settings.</summary>
    public const string DemoOrigin = "ciuic.local/demo";

    /// <summary>Makes them where they are not there yet.</summary>
    /// <param name="folder">The silos' key directory.</param>
    /// <param name="origin">The ledger's name in the world.</param>
    /// <returns>The folder.</returns>
    public static string Make(string folder, string origin = DemoOrigin)
    {
        SigningKeyFile.CreateDirectory(folder);
        foreach (var role in new[] { KeyRole.Blocks, KeyRole.TreeHead })
            SigningKeyFile.TryCreate(Path.Combine(folder, $"main.{role.Name()}.key"), role.KeyName(origin), KeyAlgorithm.Ed25519);
        return folder;
    }
}
