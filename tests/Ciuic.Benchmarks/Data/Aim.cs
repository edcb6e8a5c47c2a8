namespace Ciuic.Benchmarks;

/// <summary>A figure against an aim.</summary>
/// <param name="What">What was aimed at.</param>
/// <param name="Value">What was measured.</param>
/// <param name="Limit">The aim.</param>
/// <param name="IsMost">Whether the aim is the most it may be; otherwise the least.</param>
internal sealed record Aim(string What, double Value, double Limit, bool IsMost)
{
    public bool IsMet => IsMost ? Value <= Limit : Value >= Limit;

    /// <summary>All whose figures were measured.</summary>
    public static List<Aim> Of(BenchmarkReport report)
    {
        var aims = new List<Aim>();
        const string stall = "stall: live tensors into staging memory";
        Ratio("stall / warm memcpy", stall, "memcpy, warm, one thread", 1.3);
        Ratio("stall / torch.save", stall, "torch.save", 1 / 8.0);
        Ratio("stall / (torch.save + fsync)", stall, "torch.save and fsync", 1 / 15.0);
        foreach (var kind in new[] { "full, Raw", "full, Planes", "delta, 1 steps apart", "delta, 20 steps apart" })
        {
            Ratio($"durable, {kind} / (torch.save + fsync)", $"{kind}: durable", "torch.save and fsync", 1);
            Ratio($"durable and verified, {kind} / (torch.save + fsync)", $"{kind}: durable and verified", "torch.save and fsync", 1);
        }

        Most("bytes, full", "full, Planes: stored", 0.83);
        Most("bytes, delta 20 steps apart", "delta, 20 steps apart: stored", 0.74);
        Most("bytes, delta 1 step apart", "delta, 1 steps apart: stored", 0.30);
        Most("bytes, bf16 weights, full", "full, bf16 weights: stored", 0.69);
        Ratio("verified restore, full / torch.load", "full, Planes: verified restore", "torch.load, warm", 1.5);
        Ratio("verified restore, delta / torch.load", "delta, 20 steps apart: verified restore", "torch.load, warm", 2.5);
        Least("encode, GB/s of one core", "planes, encode, one core", 1);
        Least("decode, GB/s of one core", "planes, decode, one core", 1.5);
        Most("processor for a save, full, s/GB", "full, Planes: save, processor", 2);
        Most("processor for a save, delta, s/GB", "delta, 20 steps apart: save, processor", 2);
        Most("processor for a restore, full, s/GB", "full, Planes: restore, processor", 1.2);
        Most("memory beyond staging at 4 GiB, MiB", "size 4 GiB: memory beyond staging", 256);
        Ratio("processor per byte, 4 GiB / 64 MiB", "size 4 GiB: save, processor", "size 64 MiB: save, processor", 1.2);
        Ratio("resident memory, 200 / 20 saves", "resident after 200 saves", "resident after 20 saves", 1.1);
        Ratio("commit, 10,000 / 10 snapshots", "commit after 10,000 snapshots", "commit after 10 snapshots", 1.3);
        return aims;

        void Most(string what, string figure, double limit) => Add(what, report.Find(figure), limit, isMost: true);
        void Least(string what, string figure, double limit) => Add(what, report.Find(figure), limit, isMost: false);
        void Ratio(string what, string figure, string to, double limit) => Add(what, report.Find(figure) / report.Find(to), limit, isMost: true);
        void Add(string what, double? value, double limit, bool isMost)
        {
            if (value is { } known)
                aims.Add(new Aim(what, known, limit, isMost));
        }
    }
}
