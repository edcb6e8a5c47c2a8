namespace Ciuic.Core;

/// <summary>Reads tlog-policy files line by line; members must be named before they are used, so nothing is circular.</summary>
internal sealed class TlogPolicyParser
{
    private const int MaxLines = 1_000;

    private readonly List<VerifierKey> _logs = [];
    private readonly List<PolicyWitness> _witnesses = [];
    private readonly Dictionary<string, Func<IReadOnlySet<string>, bool>> _members = new(StringComparer.Ordinal);
    private readonly HashSet<string> _grouped = new(StringComparer.Ordinal);
    private string? _quorum;

    public static TlogPolicy Parse(string text)
    {
        var parser = new TlogPolicyParser();
        var lines = text.Split('\n');
        if (lines.Length > MaxLines)
            throw new InvalidInputException($"A policy of {lines.Length} lines is refused: at most {MaxLines}.");
        for (var i = 0; i < lines.Length; i++)
        {
            try
            {
                if (lines[i].Any(c => (c < ' ' && c != '\t') || c == '\u007f'))
                    throw new InvalidInputException("it holds a control character; lines end in a newline alone.");
                parser.Take(lines[i].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries));
            }
            catch (InvalidInputException error)
            {
                throw new InvalidInputException($"Line {i + 1} of the policy cannot be used: {error.Message}", error);
            }
        }

        return parser.Result();
    }

    private TlogPolicy Result()
    {
        if (_quorum is null)
            throw new InvalidInputException("The policy has no quorum line; 'quorum none' trusts the ledger's key alone.");
        return new TlogPolicy(_logs, _witnesses, _quorum == "none" ? null : _members[_quorum], _quorum);
    }

    private void Take(string[] words)
    {
        if (words.Length == 0 || words[0].StartsWith('#'))
            return;
        switch (words[0], words.Length)
        {
            case ("log", 2 or 3):
                AddLog(VerifierKey.Parse(words[1]));
                break;
            case ("witness", 3 or 4):
                AddWitness(words[1], VerifierKey.Parse(words[2]), words.Length == 4 ? words[3] : null);
                break;
            case ("group", >= 4):
                AddMember(words[1], Group(words[2], words[3..]));
                break;
            case ("quorum", 2):
                SetQuorum(words[1]);
                break;
            default:
                throw new InvalidInputException($"'{string.Join(' ', words)}' is no log, witness, group or quorum line.");
        }
    }

    private void AddLog(VerifierKey key)
    {
        if (_logs.Any(l => l.HasSamePublicKey(key)))
            throw new InvalidInputException($"log '{key.Name}' has the key of another log line.");
        _logs.Add(key);
    }

    private void AddWitness(string name, VerifierKey key, string? url)
    {
        if (key.Algorithm != KeyAlgorithm.Ed25519Cosignature)
            throw new InvalidInputException($"the key of witness '{name}' is not one for cosignatures.");
        if (_witnesses.Any(w => w.Key.HasSamePublicKey(key)))
            throw new InvalidInputException($"witness '{name}' has the key of another one: it would count twice.");
        Uri? address = null;
        if (url is not null && (!Uri.TryCreate(url, UriKind.Absolute, out address) || address.Scheme is not ("http" or "https")))
            throw new InvalidInputException($"'{url}' is no http address.");
        AddMember(name, present => present.Contains(name));
        _witnesses.Add(new PolicyWitness(name, key, address));
    }

    private Func<IReadOnlySet<string>, bool> Group(string threshold, string[] names)
    {
        var members = names.Select(Member).ToList();
        // In two groups a witness would count twice towards the quorum.
        if (names.FirstOrDefault(name => !_grouped.Add(name)) is { } again)
            throw new InvalidInputException($"'{again}' is a member already: of this group or of one before.");
        var needed = threshold switch
        {
            "any" => 1,
            "all" => members.Count,
            _ => Decimal64.Parse(threshold, "threshold"),
        };
        if (needed < 1 || needed > members.Count)
            throw new InvalidInputException($"{threshold} of {members.Count} members cannot be asked for.");
        return present => members.Count(member => member(present)) >= needed;
    }

    private void SetQuorum(string name)
    {
        if (_quorum is not null)
            throw new InvalidInputException("there is a quorum line already.");
        if (name != "none")
            Member(name);
        _quorum = name;
    }

    private Func<IReadOnlySet<string>, bool> Member(string name) =>
        _members.GetValueOrDefault(name)
        ?? throw new InvalidInputException($"'{name}' is no witness or group named before.");

    private void AddMember(string name, Func<IReadOnlySet<string>, bool> member)
    {
        if (name == "none" || !_members.TryAdd(name, member))
            throw new InvalidInputException($"the name '{name}' is taken.");
    }
}
