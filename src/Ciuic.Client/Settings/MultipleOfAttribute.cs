using System.ComponentModel.DataAnnotations;

namespace Ciuic.Client;

/// <summary>A number that must be a multiple of another.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MultipleOfAttribute(int factor) : ValidationAttribute($"The field {{0}} must be a multiple of {factor}.")
{
    public override bool IsValid(object? value) => value is int number && number % factor == 0;
}
