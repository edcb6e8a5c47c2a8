using System.Text.Json;

namespace Ciuic.Core;

/// <summary>What a ledger record says, as it is spelled in the ledger.</summary>
public static class RecordKind
{
    /// <summary>A snapshot was committed; it is the run's chain head from here on.</summary>
    public const string Snapshot = "snapshot";

    /// <summary>The run's chain head was moved back to an older committed snapshot.</summary>
    public const string Rollback = "rollback";

    /// <summary>A tag was put on a committed snapshot, or moved there from another one.</summary>
    public const string Tag = "tag";

    /// <summary>A tag was taken away.</summary>
    public const string Untag = "untag";

    /// <summary>A committed snapshot must not be forgotten.</summary>
    public const string Pin = "pin";

    /// <summary>A pin was taken away.</summary>
    public const string Unpin = "unpin";

    /// <summary>
    /// Something that an audit finds wrong with a committed snapshot's place in history is known, and accepted by somebody who says why:
    /// a fault of long ago must not hide those of tomorrow. History itself stays as it is.
    /// </summary>
    public const string Repair = "repair";

    /// <summary>From the next block on, another key signs blocks or tree heads.</summary>
    public const string Key = "key";

    /// <summary>Whether records of this kind say something about a run.</summary>
    public static bool IsFact(string kind) => kind is Snapshot or Rollback or Tag or Untag or Pin or Unpin or Repair;

    /// <summary>The kind of a record's line. Kinds of later versions are read, not understood.</summary>
    /// <exception cref="InvalidInputException">The line is no JSON object that begins with its kind.</exception>
    public static string Of(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject
                && reader.Read() && reader.ValueTextEquals("kind"u8)
                && reader.Read() && reader.TokenType == JsonTokenType.String)
            {
                return Known(ref reader);
            }
        }
        catch (JsonException error)
        {
            throw new InvalidInputException($"a record is a JSON object: {error.Message}", error);
        }

        throw new InvalidInputException("a record is a JSON object that begins with its kind");
    }

    private static string Known(ref Utf8JsonReader reader)
    {
        if (reader.ValueTextEquals("snapshot"u8))
            return Snapshot;
        return reader.ValueTextEquals("rollback"u8) ? Rollback : reader.GetString()!;
    }
}
