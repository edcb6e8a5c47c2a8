using Ciuic.Core;

namespace Ciuic.Silo;

/// <summary>
/// Keeps a second silo off the embedded database while this process lives. Data would survive it (ETags decide), but
/// two clusters of one node each would forever undo each other's work. The system releases the lock with the process.
/// </summary>
internal sealed class DatabaseLock : IDisposable
{
    private readonly FileStream _file;

    private DatabaseLock(FileStream file) => _file = file;

    /// <exception cref="InvalidInputException">Another process holds the database.</exception>
    public static DatabaseLock Take(string database)
    {
        var path = $"{Path.GetFullPath(database)}.lock";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return new DatabaseLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException(
                $"Ciuic:Database:Path: '{database}' is in use by another silo, or cannot be written ({error.Message}).",
                error);
        }
    }

    public void Dispose() => _file.Dispose();
}
