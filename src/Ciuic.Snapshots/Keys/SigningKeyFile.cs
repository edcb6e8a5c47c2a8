using System.Security.Cryptography;
using Ciuic.Core;
using Ciuic.Storage;

namespace Ciuic.Snapshots;

/// <summary>Private keys in files, readable by their owner only.</summary>
public static class SigningKeyFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;

    /// <summary>Reads a key.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged, or readable by others.</exception>
    public static SigningKey Read(string path)
    {
        if (!File.Exists(path))
            throw new InvalidInputException($"There is no key file '{path}'. 'ciuic signing-key NAME -o {path}' makes one.");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Others) != 0)
            throw new InvalidInputException($"The key file '{path}' can be read by others: chmod 600 it.");
        return Parse(File.ReadAllText(path), null, $"The key file '{path}'");
    }

    /// <summary>Reads a key for a given kind of signature.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged, of another kind, or readable by others.</exception>
    public static SigningKey Read(string path, KeyAlgorithm algorithm)
    {
        var key = Read(path);
        return key.Verifier.Algorithm == algorithm
            ? key
            : throw new InvalidInputException($"The key file '{path}' is for {key.Verifier.Algorithm}, not for {algorithm}.");
    }

    /// <summary>Reads a key of a given name.</summary>
    /// <exception cref="InvalidInputException">The file is missing, damaged, of another name, or readable by others.</exception>
    public static SigningKey Read(string path, string name)
    {
        var key = Read(path);
        return key.Name == name
            ? key
            : throw new InvalidInputException($"The key file '{path}' signs for '{key.Name}', '{name}' is needed.");
    }

    /// <summary>Reads a key from text; a null name takes any.</summary>
    /// <exception cref="InvalidInputException">The text is no key, or one of another name; never holds any of it.</exception>
    public static SigningKey Parse(string text, string? name, string where)
    {
        try
        {
            var key = SigningKey.Parse(text.TrimEnd('\n'));
            return name is null || key.Name == name
                ? key
                : throw new InvalidInputException($"it signs for '{key.Name}', '{name}' is needed");
        }
        catch (InvalidInputException error)
        {
            throw new InvalidInputException($"{where} cannot be used: {error.Message}", error);
        }
    }

    /// <summary>
    /// Makes a key. Written and flushed under another name first: a key that has signed must not be lost half-written.
    /// </summary>
    /// <returns>False where there is a file of that name already: another silo was faster.</returns>
    public static bool TryCreate(string path, string name, KeyAlgorithm algorithm)
    {
        using var key = SigningKey.FromSeed(name, algorithm, RandomNumberGenerator.GetBytes(SigningKey.SeedSize));
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
            // Of two silos that start at once, one wins: each would sign with its own key otherwise, and one key be lost.
            if (!DurableFiles.TryPublish(temporary, path))
                return false;
            // A key that has signed must be there after a loss of power: its name too.
            DurableFiles.FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return true;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Makes a folder that only its owner can enter.</summary>
    public static void CreateDirectory(string directory)
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory);
        else
            Directory.CreateDirectory(directory, OwnerOnly | UnixFileMode.UserExecute);
    }
}
