using Ciuic.Core;

namespace Ciuic.Contracts;

/// <summary>A <see cref="TagName"/> on the wire.</summary>
[GenerateSerializer, Alias("ciuic.TagName")]
public struct TagNameSurrogate
{
    /// <summary>Its value.</summary>
    [Id(0)]
    public string Value;
}

/// <summary>Turns <see cref="TagName"/> into its wire form and back.</summary>
[RegisterConverter]
public sealed class TagNameConverter : IConverter<TagName, TagNameSurrogate>
{
    /// <inheritdoc/>
    public TagName ConvertFromSurrogate(in TagNameSurrogate surrogate) => TagName.Parse(surrogate.Value);

    /// <inheritdoc/>
    public TagNameSurrogate ConvertToSurrogate(in TagName value) => new() { Value = value.Value };
}
