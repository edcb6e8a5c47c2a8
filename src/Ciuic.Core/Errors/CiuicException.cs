namespace Ciuic.Core;

/// <summary>
/// A promise that could not be kept. There is one subclass per way of reacting to it, and no others:
/// expected answers are values, not exceptions. What a message quotes is made printable here: it may come from a server, or from whoever
/// has named a label, and ends in a log or on a terminal.
/// </summary>
public abstract class CiuicException(string message, Exception? cause) : Exception(Printable.Text(message), cause);

/// <summary>The input is wrong; asking again with the same input cannot help.</summary>
public sealed class InvalidInputException(string message, Exception? cause = null)
    : CiuicException(message, cause);

/// <summary>The named thing does not exist.</summary>
public sealed class NotFoundException(string message, Exception? cause = null)
    : CiuicException(message, cause);

/// <summary>Somebody else holds or has written what was asked for.</summary>
public sealed class ConflictException(string message, Exception? cause = null)
    : CiuicException(message, cause);

/// <summary>A newer attempt owns the run; the caller must stop writing to it.</summary>
public sealed class FencedException(string message, Exception? cause = null)
    : CiuicException(message, cause);

/// <summary>A server or a disk did not answer; the same request may be sent again.</summary>
public sealed class UnavailableException(string message, Exception? cause = null)
    : CiuicException(message, cause)
{
    /// <summary>Whether a store is full: somebody must make room before it helps to ask again.</summary>
    public bool IsFull { get; init; }

    /// <summary>
    /// Whether the store does not keep what safety rests on any more, such as create-if-absent: nothing is built on it until it does.
    /// </summary>
    public bool IsUnfit { get; init; }
}

/// <summary>Stored bytes are not what was stored; the message names the object.</summary>
public sealed class CorruptException(string message, Exception? cause = null)
    : CiuicException(message, cause);
