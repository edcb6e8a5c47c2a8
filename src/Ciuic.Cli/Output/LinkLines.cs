using Ciuic.Snapshots;

namespace Ciuic.Cli;

/// <summary>The links of a verification: a line each as they are checked, or one JSON document at the end.</summary>
internal sealed class LinkLines(CommandOutput output, bool json)
{
    private readonly List<VerifiedLink> _links = [];
    private readonly List<string> _facts = [];

    public void Add(VerifiedLink link)
    {
        _links.Add(link);
        if (!json)
            output.WriteLine($"ok  {link.Link,-24}  {link.Evidence}");
    }

    /// <summary>Something that is proven.</summary>
    public void Show(string fact)
    {
        _facts.Add(fact);
        if (!json)
            output.WriteLine($"    proven: {fact}");
    }

    public void End()
    {
        if (json)
            output.WriteJson(new { verified = true, links = _links, proven = _facts });
        else
            output.WriteLine("VERIFIED: every link holds.");
    }
}
