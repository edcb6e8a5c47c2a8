using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Cli;

/// <summary>
/// A witness's folder: its private key, what it has seen, and a lock that the system releases with the process. Two
/// processes on one folder could each cosign another history.
/// </summary>
internal sealed class WitnessHome : IDisposable
{
    private readonly FileStream _lock;

    private WitnessHome(FileStream @lock, SigningKey key, IObjectStore store) => (_lock, Key, Store) = (@lock, key, store);

    public SigningKey Key { get; }

    public IObjectStore Store { get; }

    /// <exception cref="InvalidInputException">The folder is in use or cannot be used, or a new witness has no name.</exception>
    public static WitnessHome Open(string folder, string? name)
    {
        folder = Path.GetFullPath(folder);
        try
        {
            Directory.CreateDirectory(folder);
            var held = new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            return new WitnessHome(held, LoadKey(Path.Combine(folder, "witness.key"), name), new FileObjectStore(Path.Combine(folder, "store")));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"--data: '{folder}' is in use by another witness, or cannot be written: {error.Message}", error);
        }
    }

    public void Dispose()
    {
        Key.Dispose();
        _lock.Dispose();
    }

    private static SigningKey LoadKey(string path, string? name)
    {
        if (!File.Exists(path))
        {
            if (name is null)
                throw new InvalidInputException("--name is needed at first start, such as --name witness.example.org/w1.");
            SigningKeyFile.TryCreate(path, name, KeyAlgorithm.Ed25519Cosignature);
        }

        var key = SigningKeyFile.Read(path, KeyAlgorithm.Ed25519Cosignature);
        return name is null || key.Name == name
            ? key
            : throw new InvalidInputException($"--name: the witness in '{path}' is '{key.Name}', not '{name}'.");
    }
}
