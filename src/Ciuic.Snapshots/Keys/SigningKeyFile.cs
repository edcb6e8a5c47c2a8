using System.Security.Cryptography;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Silo;

/// <summary>The ledger's private keys: two files, made at first start, readable by their owner only.</summary>
internal static class KeyFiles
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Reads the keys of a ledger, making them where there are none.</summary>
    /// <exception cref="InvalidInputException">A file is damaged, of another origin, or readable by others.</exception>
    public static LedgerSigner LoadOrCreate(string directory, string ledger, string origin)
    {
        directory = Path.GetFullPath(directory);
        try
        {
            CreateDirectory(directory);
            return new LedgerSigner(
                origin,
                LoadOrCreate(Path.Combine(directory, $"{ledger}.blocks.key"), Block.KeyNameFor(origin)),
                LoadOrCreate(Path.Combine(directory, $"{ledger}.tree-head.key"), origin));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"Ciuic:Ledger:KeyDirectory: {error.Message}", error);
        }
    }

    private static SigningKey LoadOrCreate(string path, string name)
    {
        if (!File.Exists(path))
            Create(path, name);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            throw new InvalidInputException($"The key file '{path}' can be read by others: chmod 600 it.");
        try
        {
            var key = SigningKey.Parse(File.ReadAllText(path).TrimEnd('\n'));
            return key.Name == name
                ? key
                : throw new InvalidInputException($"it signs for '{key.Name}', this ledger needs '{name}'");
        }
        catch (InvalidInputException error)
        {
            throw new InvalidInputException($"The key file '{path}' cannot be used: {error.Message}", error);
        }
    }

    /// <summary>
    /// Written and flushed under another name first: a key that has signed must not be lost half-written. Of two
    /// silos starting at once, the second uses the first one's key.
    /// </summary>
    private static void Create(string path, string name)
    {
        using var key = SigningKey.FromSeed(name, RandomNumberGenerator.GetBytes(SigningKey.SeedSize));
        var temporary = $"{path}.{Path.GetRandomFileName()}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerOnly;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(StrictUtf8.Encode(key.Export() + "\n"));
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(temporary, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(temporary);
        }
    }

    private static void CreateDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory);
        else
            Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
    }
}
