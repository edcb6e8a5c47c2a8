using System.IO.Compression;
using System.Text.Json;
using Ciuic.Testing;
using Ciuic.Trainer;
using Microsoft.Extensions.Configuration;

namespace Ciuic.EndToEnd;

/// <summary>
/// A store as an earlier version left it (Golden/README.md says how it was made), unpacked: bucket, database, keys, proofs and what is in
/// it. Whatever is written later, this must be read for ever.
/// </summary>
internal sealed class GoldenPlace
{
    private readonly string _unpacked;

    public GoldenPlace(TemporaryFolder folder, string archive)
    {
        _unpacked = folder.File("unpacked");
        using var bytes = new MemoryStream(Golden.Read(archive));
        ZipFile.ExtractToDirectory(bytes, _unpacked);
        Place = DemoPlace.Open(folder.File("place"));
        Directory.Move(Path.Combine(_unpacked, "store"), Place.StorePath);
        Directory.Move(Path.Combine(_unpacked, "silo"), Path.Combine(Place.Folder, "silo"));
        Expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(_unpacked, "expected.json"))).RootElement;
    }

    public DemoPlace Place { get; }

    /// <summary>Runs, heads, tags, pins, and the SHA-256 of every tensor of every snapshot.</summary>
    public JsonElement Expected { get; }

    /// <summary>Keys of tree heads, the oldest first.</summary>
    public IReadOnlyList<string> VerifierKeys =>
        [.. Expected.GetProperty("verifierKeys").EnumerateArray().Select(key => key.GetString()!)];

    public IEnumerable<string> Proofs => Directory.EnumerateFiles(Path.Combine(_unpacked, "proofs"));

    public Task<SiloProcess> StartSiloAsync() =>
        SiloProcess.StartAsync(Place, TestContext.Current.CancellationToken, "--Ciuic:Ledger:Origin=ciuic.local/main");

    /// <summary>Settings of a client of this process.</summary>
    public IConfiguration Settings => new ConfigurationBuilder()
        .AddInMemoryCollection(Place.ClientSettings
            .Where(s => s != "--set")
            .Select(s => s.Split('=', 2))
            .Select(s => KeyValuePair.Create(s[0], (string?)s[1])))
        .Build();

    public void LoseDatabase()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Place.Folder, "silo"), "ciuic.db*"))
            File.Delete(file);
    }
}
