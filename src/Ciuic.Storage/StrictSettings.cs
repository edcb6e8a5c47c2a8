using System.ComponentModel.DataAnnotations;
using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage;

/// <summary>Reads a section of the settings; a typo or a value out of range is one clear line.</summary>
public static class StrictSettings
{
    /// <summary>Binds and checks a section; what is not set has its default.</summary>
    /// <exception cref="InvalidInputException">A key is unknown, or a value malformed or out of range.</exception>
    public static T Read<T>(IConfiguration configuration, string section)
        where T : class, new()
    {
        var options = Bind<T>(configuration.GetSection(section), section);
        var complaints = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, new ValidationContext(options), complaints, true))
            return options;
        var first = complaints[0];
        throw new InvalidInputException($"{section}:{first.MemberNames.FirstOrDefault()}: {first.ErrorMessage}");
    }

    private static T Bind<T>(IConfiguration configuration, string section)
        where T : class, new()
    {
        try
        {
            var options = new T();
            configuration.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
            return options;
        }
        catch (InvalidOperationException error)
        {
            var why = error.InnerException?.Message ?? error.Message;
            throw new InvalidInputException($"{section}: {error.Message} {why}", error);
        }
    }
}
