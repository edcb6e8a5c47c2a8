using System.Collections.Concurrent;
using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// Names that differ are different runs, on every file system: where one ignores case, <c>a</c> and <c>A</c> would share a folder, so
/// the second one is refused. Where case counts nothing is looked at.
/// </summary>
/// <param name="root">The store's folder.</param>
/// <param name="known">Whether the file system ignores case; null to find out.</param>
internal sealed class RunFolders(string root, bool? known)
{
    private readonly string _runs = Path.Combine(root, BucketLayout.RunsPrefix.TrimEnd('/'));
    private readonly ConcurrentDictionary<string, bool> _distinct = new(StringComparer.Ordinal);
    private bool? _ignoresCase = known;

    /// <summary>Makes sure that an object is in no other run's folder.</summary>
    /// <exception cref="InvalidInputException">It would be.</exception>
    public void Require(ObjectKey key)
    {
        if (!IgnoresCase() || key.Path.Split('/') is not ["runs", var run, ..] || _distinct.ContainsKey(run) || !Directory.Exists(_runs))
            return;
        var same = new DirectoryInfo(_runs).EnumerateDirectories().Select(d => d.Name)
            .Where(name => name.Equals(run, StringComparison.OrdinalIgnoreCase))
            .ToList();
        if (same.Find(name => name != run) is { } other)
        {
            throw new InvalidInputException(
                $"Run '{run}' cannot be kept in file:{root}: the file system ignores case, and run '{other}' has that folder already. Give it a name "
                + "that differs in more than case, or use a store where case counts.");
        }

        if (same.Count > 0)
            _distinct[run] = true;
    }

    /// <summary>Found out by the folder of unfinished files, which is there once something was written.</summary>
    private bool IgnoresCase()
    {
        if (_ignoresCase is null && Directory.Exists(Path.Combine(root, FileObjectStore.TemporaryFolder)))
            _ignoresCase = Directory.Exists(Path.Combine(root, FileObjectStore.TemporaryFolder.ToUpperInvariant()));
        return _ignoresCase == true;
    }
}
