using System.Globalization;
using Ciuic.Core;
using Ciuic.Grains;
using Ciuic.Snapshots;

namespace Ciuic.Silo;

/// <summary>
/// A ledger's private keys: from the environment where they are given there, otherwise from files made at first start;
/// then those that rotations made, <c>ledger.role.2.key</c> and so on, oldest first.
/// </summary>
internal sealed class LedgerKeyStore(LedgerOptions options) : ISigningKeys
{
    private static readonly KeyRole[] Roles = [KeyRole.Blocks, KeyRole.TreeHead];

    private readonly string _directory = Path.GetFullPath(options.KeyDirectory);

    public IReadOnlyList<SigningKey> Load() => Guard(() => Roles.SelectMany(Load).ToList());

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

        SigningKeyFile.CreateDirectory(_directory);
        var name = role.KeyName(options.Origin);
        for (var number = 2; ; number++)
        {
            if (SigningKeyFile.TryCreate(PathOf(role, number), name, KeyAlgorithm.Ed25519))
                return SigningKeyFile.Read(PathOf(role, number), name);
        }
    });

    private IEnumerable<SigningKey> Load(KeyRole role)
    {
        var name = role.KeyName(options.Origin);
        var (setting, given) = Given(role);
        var first = given.Length > 0
            ? given.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(key => SigningKeyFile.Parse(key, name, setting))
            : [First(role, name)];
        return first.Concat(Rotated(role).Select(path => SigningKeyFile.Read(path, name)));
    }

    private SigningKey First(KeyRole role, string name)
    {
        SigningKeyFile.CreateDirectory(_directory);
        var path = PathOf(role, 1);
        // Of two silos starting at once, the second uses the first one's key.
        if (!File.Exists(path))
            SigningKeyFile.TryCreate(path, name, KeyAlgorithm.Ed25519);
        return SigningKeyFile.Read(path, name);
    }

    private (string Setting, string Given) Given(KeyRole role) => role == KeyRole.Blocks
        ? ($"Ciuic:Ledger:{nameof(options.BlocksKey)}", options.BlocksKey)
        : ($"Ciuic:Ledger:{nameof(options.TreeHeadKey)}", options.TreeHeadKey);

    private IEnumerable<string> Rotated(KeyRole role)
    {
        for (var number = 2; File.Exists(PathOf(role, number)); number++)
            yield return PathOf(role, number);
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
