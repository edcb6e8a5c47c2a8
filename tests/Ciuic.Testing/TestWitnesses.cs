using Ciuic.Core;
using Ciuic.Snapshots;
using Ciuic.Storage;

namespace Ciuic.Testing;

/// <summary>Witnesses in this process that can be made to fail, and the policy that asks for two of three of them.</summary>
public sealed class TestWitnesses
{
    public TestWitnesses(TimeProvider time, params IReadOnlyList<VerifierKey> logs)
    {
        All = Enumerable.Range(1, 3).Select(i => new TestWitness(i, logs, time)).ToList();
        Policy = TlogPolicy.Parse(
            string.Concat(logs.Select(l => $"log {l}\n"))
            + string.Concat(All.Select(w => $"witness {w.Identity.Name} {w.Identity.Key} {w.Identity.Url}\n"))
            + "group quorum 2 w1 w2 w3\nquorum quorum\n");
    }

    /// <summary>Asks no witness.</summary>
    public static Cosigners Nobody => new(TlogPolicy.Alone(), []);

    public IReadOnlyList<TestWitness> All { get; }

    public TlogPolicy Policy { get; }

    public Cosigners Cosigners => new(Policy, All);
}

/// <summary>A witness in this process.</summary>
public sealed class TestWitness : IWitness
{
    private readonly WitnessService _service;

    internal TestWitness(int number, IReadOnlyList<VerifierKey> logs, TimeProvider time)
    {
        Key = SigningKey.FromSeed(
            $"witness.test/w{number}", KeyAlgorithm.Ed25519Cosignature, Enumerable.Repeat((byte)(40 + number), SigningKey.SeedSize).ToArray());
        Identity = new PolicyWitness($"w{number}", Key.Verifier, new Uri($"http://127.0.0.1:{number}"));
        Store = new FaultyObjectStore(new MemoryObjectStore());
        _service = new WitnessService(Store, Key, logs, time);
    }

    public SigningKey Key { get; }

    public PolicyWitness Identity { get; }

    /// <summary>What it remembers.</summary>
    public FaultyObjectStore Store { get; }

    /// <summary>Whether it does not answer.</summary>
    public bool IsAway { get; set; }

    /// <summary>Answers in its place; null: it answers itself.</summary>
    public Func<byte[], WitnessReply>? Instead { get; set; }

    /// <summary>Makes it slow: it answers when this comes to its end.</summary>
    public Task Until { get; set; } = Task.CompletedTask;

    /// <summary>Requests it was sent.</summary>
    public int Asked { get; private set; }

    public async Task<WitnessReply> AddCheckpointAsync(byte[] request, CancellationToken cancel)
    {
        Asked++;
        await Until.WaitAsync(cancel);
        if (IsAway)
            throw new UnavailableException($"{Identity.Name} is away");
        return Instead is null ? await _service.AnswerAsync(request, cancel) : Instead(request);
    }
}
