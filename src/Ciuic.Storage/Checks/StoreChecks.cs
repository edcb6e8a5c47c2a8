using System.Globalization;
using Ciuic.Core;

namespace Ciuic.Storage;

/// <summary>
/// What every store must do: our own tests run it on each kind of store, and <c>ciuic store check</c> on anybody's bucket.
/// </summary>
public static class StoreChecks
{
    private const string Object = "folder/object";

    /// <summary>All of them, quick ones first.</summary>
    public static IReadOnlyList<StoreCheck> All { get; } =
    [
        new("What is not there is null", AbsentAsync),
        new("A created object is read back whole", CreatedAsync),
        new("A second create changes nothing", SecondCreateAsync),
        new("Put writes and replaces", PutAsync),
        new("An empty object is an object", EmptyAsync),
        new("A range ends where the object ends", RangeAsync),
        new("Listing finds what begins with the prefix, and nothing else", ListAsync),
        new("Listing tells lengths", LengthsAsync),
        new("A deleted object is gone and may be created again", DeleteAsync),
        new("Keys may have every character that they may have", CharactersAsync),
        new("Of many concurrent creators exactly one wins, and its bytes are there", RacesAsync),
        new("The same bytes created by many have one creator", SameBytesAsync),
        new("Readers see a replaced object whole", ReplacedAsync),
        new("A large object is read back whole and in parts", LargeAsync),
        new("A long list is whole", LongListAsync),
    ];

    private static async Task AbsentAsync(CheckPlace place, CancellationToken cancel)
    {
        var key = place.Key(Object);
        Expect(await place.Store.GetAsync(key, cancel) is null, "get of what is not there gives bytes");
        Expect(await place.Store.GetLengthAsync(key, cancel) is null, "length of what is not there is a number");
        Expect(await place.Store.GetRangeAsync(key, 0, new byte[1], cancel) is null, "range of what is not there gives bytes");
    }

    private static async Task CreatedAsync(CheckPlace place, CancellationToken cancel)
    {
        Expect(CreateResult.Created, await place.Store.CreateAsync(place.Key(Object), Bytes(1, 100_000), cancel));
        await ExpectBytesAsync(place, Object, Bytes(1, 100_000), cancel);
        Expect(100_000, await place.Store.GetLengthAsync(place.Key(Object), cancel));
    }

    private static async Task SecondCreateAsync(CheckPlace place, CancellationToken cancel)
    {
        await place.Store.CreateAsync(place.Key(Object), Bytes(1, 10), cancel);
        Expect(CreateResult.AlreadyExists, await place.Store.CreateAsync(place.Key(Object), Bytes(2, 20), cancel));
        await ExpectBytesAsync(place, Object, Bytes(1, 10), cancel);
    }

    private static async Task PutAsync(CheckPlace place, CancellationToken cancel)
    {
        await place.Store.PutAsync(place.Key(Object), Bytes(1, 10), cancel);
        await place.Store.PutAsync(place.Key(Object), Bytes(2, 5), cancel);
        await ExpectBytesAsync(place, Object, Bytes(2, 5), cancel);
    }

    private static async Task EmptyAsync(CheckPlace place, CancellationToken cancel)
    {
        await place.Store.CreateAsync(place.Key(Object), ReadOnlyMemory<byte>.Empty, cancel);
        await ExpectBytesAsync(place, Object, [], cancel);
        Expect(0, await place.Store.GetLengthAsync(place.Key(Object), cancel));
        Expect(0, await place.Store.GetRangeAsync(place.Key(Object), 0, new byte[1], cancel));
    }

    private static async Task RangeAsync(CheckPlace place, CancellationToken cancel)
    {
        var content = Enumerable.Range(0, 20).Select(i => (byte)i).ToArray();
        await place.Store.CreateAsync(place.Key(Object), content, cancel);
        foreach (var (offset, asked, given) in ((int, int, int)[])[(0, 10, 10), (5, 10, 10), (15, 10, 5), (20, 10, 0), (25, 10, 0), (3, 0, 0)])
        {
            var buffer = new byte[asked];
            Expect(given, await place.Store.GetRangeAsync(place.Key(Object), offset, buffer, cancel));
            Expect(buffer.AsSpan(0, given).SequenceEqual(content.AsSpan(Math.Min(offset, 20), given)), $"the range from {offset} has other bytes");
        }
    }

    private static async Task ListAsync(CheckPlace place, CancellationToken cancel)
    {
        foreach (var path in (string[])["a/1", "a/2", "a/b/3", "ab/4", "c"])
            await place.Store.CreateAsync(place.Key(path), Bytes(1, path.Length), cancel);
        foreach (var (prefix, paths) in ((string, string)[])[
            ("a/", "a/1 a/2 a/b/3"), ("a", "a/1 a/2 a/b/3 ab/4"), ("a/b", "a/b/3"), ("", "a/1 a/2 a/b/3 ab/4 c"), ("x/y/", ""), ("c/", "")])
        {
            var found = string.Join(' ', (await place.ListAsync(prefix, cancel)).Select(o => o.Key.Path));
            Expect(found == paths, $"the list of '{prefix}' is '{found}', not '{paths}'");
        }
    }

    private static async Task LengthsAsync(CheckPlace place, CancellationToken cancel)
    {
        await place.Store.CreateAsync(place.Key(Object), Bytes(1, 123), cancel);
        Expect(await place.ListAsync("folder/", cancel) is [{ Length: 123 }], "the list does not tell the length");
    }

    private static async Task DeleteAsync(CheckPlace place, CancellationToken cancel)
    {
        await place.Store.CreateAsync(place.Key(Object), Bytes(1, 10), cancel);
        await place.Store.DeleteAsync(place.Key(Object), cancel);
        await place.Store.DeleteAsync(place.Key(Object), cancel);
        Expect(await place.Store.GetAsync(place.Key(Object), cancel) is null, "what was deleted is there");
        Expect(CreateResult.Created, await place.Store.CreateAsync(place.Key(Object), Bytes(2, 10), cancel));
    }

    private static async Task CharactersAsync(CheckPlace place, CancellationToken cancel)
    {
        const string strange = "Az09._-#=/#/=/-._";
        await place.Store.CreateAsync(place.Key(strange), Bytes(1, 10), cancel);
        await ExpectBytesAsync(place, strange, Bytes(1, 10), cancel);
        Expect((await place.ListAsync("Az", cancel)).Count == 1, $"'{strange}' is not listed");
    }

    private static async Task RacesAsync(CheckPlace place, CancellationToken cancel)
    {
        for (var race = 0; race < 20; race++)
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"race/{race}");
            var results = await RaceAsync(place, path, i => Bytes(i, 1_000), cancel);
            await ExpectBytesAsync(place, path, Bytes(Array.IndexOf(results, CreateResult.Created), 1_000), cancel);
        }
    }

    private static Task SameBytesAsync(CheckPlace place, CancellationToken cancel) => RaceAsync(place, Object, _ => Bytes(1, 100), cancel);

    private static async Task<CreateResult[]> RaceAsync(CheckPlace place, string path, Func<int, byte[]> content, CancellationToken cancel)
    {
        var results = await Task.WhenAll(Enumerable.Range(0, 8)
            .Select(i => Task.Run(() => place.Store.CreateAsync(place.Key(path), content(i), cancel), cancel)));
        var winners = results.Count(r => r == CreateResult.Created);
        Expect(winners == 1, $"of 8 creators {winners} won");
        return results;
    }

    private static async Task ReplacedAsync(CheckPlace place, CancellationToken cancel)
    {
        await place.Store.PutAsync(place.Key(Object), Bytes(0, 50_000), cancel);
        var writing = Task.Run(
            async () =>
            {
                for (var i = 1; i < 30; i++)
                    await place.Store.PutAsync(place.Key(Object), Bytes(i, 50_000 + i), cancel);
            },
            cancel);
        try
        {
            while (!writing.IsCompleted)
            {
                var seen = await place.Store.GetAsync(place.Key(Object), cancel);
                Expect(seen is not null && seen.Length == 50_000 + seen[0], "a reader saw an object of another length, or none");
                Expect(seen.AsSpan().IndexOfAnyExcept(seen![0]) < 0, "a reader saw parts of two objects");
            }
        }
        finally
        {
            await writing; // what it writes later would stay
        }
    }

    private static async Task LargeAsync(CheckPlace place, CancellationToken cancel)
    {
        var content = new byte[(20 << 20) + 3];
        new Random(7).NextBytes(content);
        await place.Store.CreateAsync(place.Key(Object), content, cancel);
        await ExpectBytesAsync(place, Object, content, cancel);
        var buffer = new byte[content.Length + 100];
        Expect(content.Length - 5, await place.Store.GetRangeAsync(place.Key(Object), 5, buffer, cancel));
        Expect(content.AsSpan(5).SequenceEqual(buffer.AsSpan(0, content.Length - 5)), "a large range has other bytes");
    }

    private static async Task LongListAsync(CheckPlace place, CancellationToken cancel)
    {
        const int count = 1_005; // a page of S3 has 1,000
        await Parallel.ForEachAsync(
            Enumerable.Range(0, count),
            cancel,
            async (i, c) => await place.Store.PutAsync(place.Key($"many/{i}"), Bytes(1, 1), c));
        var found = await place.ListAsync("many/", cancel);
        Expect(found.Count == count && found.DistinctBy(o => o.Key).Count() == count, $"of {count} objects {found.Count} are listed");
    }

    private static byte[] Bytes(int value, int count) => Enumerable.Repeat((byte)value, count).ToArray();

    private static async Task ExpectBytesAsync(CheckPlace place, string path, byte[] content, CancellationToken cancel)
    {
        var there = await place.Store.GetAsync(place.Key(path), cancel);
        Expect(there is not null, $"'{path}' is not there");
        Expect(there.AsSpan().SequenceEqual(content), $"'{path}' has other bytes than were written");
    }

    private static void Expect<T>(T expected, T actual) => Expect(Equals(expected, actual), $"{actual} came where {expected} must");

    private static void Expect(bool kept, string flaw)
    {
        if (!kept)
            throw new CorruptException(flaw);
    }
}
