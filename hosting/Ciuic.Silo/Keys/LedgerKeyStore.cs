using System.Globalization;
using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Snapshots;

namespace Ciuic.Silo;

/// <summary>
/// A ledger's private keys: from the environment where they are given there, otherwise from files made at first start;
/// then those that rotations made, <c>ledger.role.2.key</c> and so on, oldest first.
/// </summary>
/// <param name="options">Where they are.</param>
/// <param name="makesKeys">Whether this silo is the only one: of several each would have keys that the others lack.</param>
internal sealed class LedgerKeyStore(LedgerOptions options, bool makesKeys) : ISigningKeys
{
    private static readonly KeyRole[] Roles = [KeyRole.Blocks, KeyRole.TreeHead];

    private readonly string _directory = Path.GetFullPath(options.KeyDirectory);

    public IReadOnlyList<SigningKey> Load() => Guard(() => Roles.SelectMany(Load).ToList());

    /// <summary>Makes the keys of a new ledger where there are none; never anywhere else, whatever is missing.</summary>
    /// <param name="whyNone">Why none may be made; null where they may.</param>
    /// <exception cref="InvalidInputException">One is missing, and may not be made.</exception>
    public void RequireFirst(string? whyNone) => Guard(() =>
    {
        foreach (var role in Roles)
            ReadGiven(role); // one that cannot be read is what is wrong, not a file that is missing because of it
        foreach (var role in Roles.Where(role => Given(role).Given.Length == 0 && !File.Exists(PathOf(role, 1))))
        {
            var name = role.KeyName(options.Origin);
            if (whyNone is not null)
            {
                throw new InvalidInputException(
                    $"Ciuic:Ledger:KeyDirectory: there is no key '{PathOf(role, 1)}', with which {role.Name()} of {options.Origin} are signed: {whyNone}. "
                    + $"('ciuic signing-key {name} -o FILE' makes one; {Given(role).Setting} gives one by the environment.)");
            }

            SigningKeyFile.CreateDirectory(_directory);
            SigningKeyFile.TryCreate(PathOf(role, 1), name, KeyAlgorithm.Ed25519);
        }

        return true;
    });

    public SigningKey Make(KeyRole role) => Guard(() =>
    {
        var (setting, given) = Given(role);
        if (given.Length > 0)
        {
            // A key made here would be on a disk that such a silo may not keep, and without it nobody could append again.
            throw new InvalidInputException(
                $"The key that signs {role.Name()} comes from {setting}: add the next one there, after a space ('ciuic signing-key "
                + $"{role.KeyName(options.Origin)} -o FILE' makes one), start the silos again, then rotate.");
        }

        var name = role.KeyName(options.Origin);
        if (!makesKeys)
        {
            throw new InvalidInputException(
                $"Beside PostgreSQL no silo makes keys, because all need the same: make the next one of {role.Name()} with 'ciuic signing-key {name} "
                + $"-o FILE', give it to all silos as '{NextPath(role)}', then rotate.");
        }

        SigningKeyFile.CreateDirectory(_directory);
        for (var number = 2; ; number++)
        {
            if (SigningKeyFile.TryCreate(PathOf(role, number), name, KeyAlgorithm.Ed25519))
                return SigningKeyFile.Read(PathOf(role, number), name);
        }
    });

    private IEnumerable<SigningKey> Load(KeyRole role)
    {
        var name = role.KeyName(options.Origin);
        var given = ReadGiven(role);
        var first = given.Count > 0 ? given : [SigningKeyFile.Read(PathOf(role, 1), name)];
        return first.Concat(Rotated(role).Select(path => SigningKeyFile.Read(path, name)));
    }

    private List<SigningKey> ReadGiven(KeyRole role)
    {
        var (setting, given) = Given(role);
        return given.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(key => SigningKeyFile.Parse(key, role.KeyName(options.Origin), setting)).ToList();
    }

    private (string Setting, string Given) Given(KeyRole role) => role == KeyRole.Blocks
        ? ($"Ciuic:Ledger:{nameof(options.BlocksKey)}", options.BlocksKey)
        : ($"Ciuic:Ledger:{nameof(options.TreeHeadKey)}", options.TreeHeadKey);

    private IEnumerable<string> Rotated(KeyRole role)
    {
        for (var number = 2; File.Exists(PathOf(role, number)); number++)
            yield return PathOf(role, number);
    }

    private string NextPath(KeyRole role)
    {
        var number = 2;
        while (File.Exists(PathOf(role, number)))
            number++;
        return PathOf(role, number);
    }

    private string PathOf(KeyRole role, int number)
    {
        var suffix = number == 1 ? "" : $".{number.ToString(CultureInfo.InvariantCulture)}";
        return Path.Combine(_directory, $"{options.Name}.{role.Name()}{suffix}.key");
    }

    private static T Guard<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"Ciuic:Ledger:KeyDirectory: {error.Message}", error);
        }
    }
}
