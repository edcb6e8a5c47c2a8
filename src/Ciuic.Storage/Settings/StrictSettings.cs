using System.Collections;
using System.ComponentModel.DataAnnotations;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage;

/// <summary>Reads a section of the settings; a typo or a value out of range is one clear line.</summary>
[UnconditionalSuppressMessage("Trimming", "IL2026", Justification = Kept)]
[UnconditionalSuppressMessage("AOT", "IL3050", Justification = Kept)]
public static class StrictSettings
{
    private const string Kept = "All members of options are kept, and they hold nothing but strings, numbers, times, enumerations and lists of strings.";

    /// <summary>Everything of ours is below this section.</summary>
    public const string Root = "Ciuic";

    /// <summary>All sections below <see cref="Root"/>. Programs share one file, so each knows the names of the others'.</summary>
    public static readonly IReadOnlyList<string> Sections =
        ["Silo", "Database", "Store", "S3", "WebHdfs", "Ledger", "Runs", "Snapshots", "Scrub", "Gateway", "Client", "Save", "Ranks", "Codec"];

    /// <summary>Binds and checks a section; what is not set has its default.</summary>
    /// <param name="configuration">All settings.</param>
    /// <param name="section">One of <see cref="Sections"/> below the root, such as <c>Ciuic:Save</c>.</param>
    /// <exception cref="InvalidInputException">
    /// A section below the root or a key is unknown, or a value malformed or out of range.
    /// </exception>
    public static T Read<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>(IConfiguration configuration, string section)
        where T : class, new()
    {
        RefuseUnknownSections(configuration);
        var options = Bind(configuration.GetSection(section), new T());
        var complaints = new List<ValidationResult>();
        if (Validator.TryValidateObject(options, new ValidationContext(options), complaints, true))
            return options;
        var first = complaints[0];
        throw new InvalidInputException($"{section}:{first.MemberNames.FirstOrDefault()}: {first.ErrorMessage}");
    }

    private static void RefuseUnknownSections(IConfiguration configuration)
    {
        foreach (var section in configuration.GetSection(Root).GetChildren())
        {
            if (section.Value is not null || !Sections.Contains(section.Key, StringComparer.OrdinalIgnoreCase))
                throw new InvalidInputException($"{section.Path} is no section of settings; there are {string.Join(", ", Sections)}.");
        }
    }

    /// <summary>Sets on an object what a section says; what it does not say stays.</summary>
    /// <exception cref="InvalidInputException">A key is unknown, or a value malformed.</exception>
    public static T Bind<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>(IConfigurationSection section, T options)
        where T : class
    {
        RefuseUnknownKeys<T>(section);
        try
        {
            section.Bind(options);
            ExpandHome(options);
            return options;
        }
        catch (InvalidOperationException error)
        {
            throw new InvalidInputException(error.Message, error); // names the value, the key and the type
        }
    }

    /// <summary>Whatever is set may be a path: one place for all of them, so that none is forgotten. Keys and passwords are none.</summary>
    private static void ExpandHome<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>(T options)
        where T : class
    {
        foreach (var property in typeof(T).GetProperties().Where(p => p.PropertyType == typeof(string) && p.SetMethod is { IsPublic: true }))
        {
            if (!property.Name.EndsWith("Key", StringComparison.Ordinal) && property.GetValue(options) is string text)
                property.SetValue(options, HomePath.Expand(text));
        }
    }

    private static void RefuseUnknownKeys<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.All)] T>(IConfigurationSection section)
    {
        var known = typeof(T).GetProperties().Where(p => p.SetMethod is { IsPublic: true }).ToList();
        foreach (var child in section.GetChildren())
        {
            if (!known.Any(property => Fits(property, child)))
            {
                var names = string.Join(", ", known.Select(property => property.Name));
                throw new InvalidInputException($"{child.Path} is no setting; {section.Path} has {names}.");
            }
        }
    }

    /// <summary>Only lists and tables have keys below them.</summary>
    private static bool Fits(PropertyInfo property, IConfigurationSection child) =>
        property.Name.Equals(child.Key, StringComparison.OrdinalIgnoreCase)
        && (property.PropertyType.IsArray || property.PropertyType.IsAssignableTo(typeof(IDictionary)) || !child.GetChildren().Any());
}
