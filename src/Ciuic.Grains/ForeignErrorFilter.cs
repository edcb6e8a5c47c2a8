using Ciuic.Core;
using Microsoft.Extensions.Logging;

namespace Ciuic.Grains;

/// <summary>
/// What a grain of ours throws is told in words that every caller knows. An exception of a database or a store that escapes would travel as
/// "a type is missing"; the caller asks again instead, as after any failure that nobody has foreseen, and this silo's log has the whole.
/// </summary>
internal sealed class ForeignErrorFilter(ILogger<ForeignErrorFilter> logger) : IIncomingGrainCallFilter
{
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        try
        {
            await context.Invoke();
        }
        catch (Exception error) when (IsOurs(context) && IsForeign(error))
        {
            logger.Foreign(context.TargetId.ToString(), context.MethodName, error);
            throw Told(error);
        }
    }

    private static bool IsOurs(IIncomingGrainCallContext context) => context.Grain?.GetType().Assembly == typeof(ForeignErrorFilter).Assembly;

    /// <summary>Whether it, or something inside it, is of a library that the caller's process need not have.</summary>
    private static bool IsForeign(Exception error)
    {
        for (var one = error; one is not null; one = one.InnerException)
        {
            var name = one.GetType().Assembly.GetName().Name ?? "";
            if (!(name.StartsWith("System", StringComparison.Ordinal) || name.StartsWith("Orleans", StringComparison.Ordinal)
                || name.StartsWith("Ciuic", StringComparison.Ordinal)))
                return true;
        }

        return false;
    }

    private static CiuicException Told(Exception error) => error switch
    {
        InvalidInputException => new InvalidInputException(error.Message),
        NotFoundException => new NotFoundException(error.Message),
        ConflictException => new ConflictException(error.Message),
        FencedException => new FencedException(error.Message),
        CorruptException => new CorruptException(error.Message),
        UnavailableException unavailable => new UnavailableException(error.Message) { IsFull = unavailable.IsFull },
        _ => new UnavailableException($"{error.GetType().Name}: {error.Message}"),
    };
}
