using Ciuic.Core;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage;

/// <summary>The kinds of store that a program knows: files, memory and HDFS always, and those that it brings.</summary>
/// <param name="more">Further kinds.</param>
public sealed class StoreSchemes(params IStoreScheme[] more)
{
    /// <summary>The section of the settings that names the store.</summary>
    public const string Section = "Ciuic:Store";

    private readonly IStoreScheme[] _all = [new LocalScheme(), new WebHdfsScheme(), .. more];

    /// <summary>Files, memory and HDFS.</summary>
    public static StoreSchemes BuiltIn { get; } = new();

    /// <summary>Opens the bucket that <c>Ciuic:Store:Uri</c> names, to write to it.</summary>
    /// <param name="configuration">All settings.</param>
    /// <param name="cancel">Ends the opening.</param>
    /// <exception cref="InvalidInputException">The URI names no store this program knows, or one that is not fit for use.</exception>
    /// <exception cref="UnavailableException">It does not answer.</exception>
    public async Task<IObjectStore> OpenAsync(IConfiguration configuration, CancellationToken cancel)
    {
        var uri = StrictSettings.Read<StoreOptions>(configuration, Section).Uri;
        try
        {
            return await Of(uri).OpenAsync(uri, configuration, cancel);
        }
        catch (InvalidInputException error)
        {
            throw new InvalidInputException($"{Section}:Uri: {error.Message}", error);
        }
        catch (UnavailableException error)
        {
            throw new UnavailableException($"{Section}:Uri: {error.Message}", error);
        }
    }

    /// <summary>Opens a bucket that must be there, to read from it.</summary>
    /// <param name="uri">Which; null for the one that <c>Ciuic:Store:Uri</c> names.</param>
    /// <param name="configuration">All settings.</param>
    /// <param name="cancel">Ends the opening.</param>
    /// <exception cref="InvalidInputException">The URI names no store this program knows, or its settings are not fit for use.</exception>
    /// <exception cref="NotFoundException">There is none.</exception>
    /// <exception cref="UnavailableException">It does not answer.</exception>
    public Task<IObjectStore> OpenExistingAsync(string? uri, IConfiguration configuration, CancellationToken cancel)
    {
        uri ??= StrictSettings.Read<StoreOptions>(configuration, Section).Uri;
        return Of(uri).OpenExistingAsync(uri, configuration, cancel);
    }

    private IStoreScheme Of(string uri) => Array.Find(_all, s => s.Knows(uri))
        ?? throw new InvalidInputException($"'{uri}' is not a store: use {string.Join(", ", _all.Select(s => s.Forms))}.");
}
