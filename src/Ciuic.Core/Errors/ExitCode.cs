namespace Ciuic.Core;

/// <summary>What every Ciuic program tells the shell, mapped here and nowhere else.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Ok = 0;

    /// <summary>Anything that has no code of its own.</summary>
    public const int Other = 1;

    /// <summary>Wrong usage or configuration.</summary>
    public const int Usage = 2;

    /// <summary>The named run, snapshot or object does not exist.</summary>
    public const int NotFound = 10;

    /// <summary>Conflict, or fenced by a newer attempt.</summary>
    public const int Conflict = 11;

    /// <summary>The silo, or the store, cannot be reached.</summary>
    public const int Unreachable = 13;

    /// <summary>Stored bytes or signatures are wrong.</summary>
    public const int Integrity = 20;

    /// <summary>
    /// What a program says before it ends because of this error. A stack trace helps nobody at a shell; the kind of an error
    /// that nobody expected does.
    /// </summary>
    public static string Reason(Exception error) => error switch
    {
        CiuicException => error.Message,
        OperationCanceledException => "interrupted",
        _ => $"unexpected {error.GetType().Name}: {Printable.Line(error.Message.ReplaceLineEndings(" "))}",
    };

    /// <summary>The exit code of a program that ends because of this error.</summary>
    public static int For(Exception error) => error switch
    {
        InvalidInputException => Usage,
        NotFoundException => NotFound,
        ConflictException or FencedException => Conflict,
        UnavailableException => Unreachable,
        CorruptException => Integrity,
        _ => Other,
    };
}
