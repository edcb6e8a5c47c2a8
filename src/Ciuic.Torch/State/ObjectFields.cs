using System.Collections.Concurrent;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Ciuic.Snapshots;
using TorchSharp;

namespace Ciuic.Torch;

/// <summary>
/// The plain values among an object's fields as JSON and back. TorchSharp's schedulers and optimizer states have no
/// interface for their state; their fields are it. What is neither a plain value nor known to be no state is reported.
/// </summary>
internal static class ObjectFields
{
    private static readonly JsonSerializerOptions Exact = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private static readonly ConcurrentDictionary<Type, (string Name, FieldInfo Field)[]> Known = [];

    /// <summary>All instance fields, of base classes too, by a name that survives renaming of nothing.</summary>
    public static IReadOnlyList<(string Name, FieldInfo Field)> Of(object subject) =>
        Known.GetOrAdd(subject.GetType(), type => [.. Find(type)]); // training waits for every look at its state

    /// <summary>Reads the plain values; what cannot be read is added to the skipped parts.</summary>
    public static JsonObject Read(object subject, string path, List<SkippedPart> skipped)
    {
        var values = new JsonObject();
        foreach (var (name, field) in Of(subject))
        {
            var value = field.GetValue(subject);
            if (IsValue(field.FieldType) || IsValues(value))
                values[name] = JsonSerializer.SerializeToNode(value, Exact);
            else if (Reason(field, value) is { } reason)
                skipped.Add(new SkippedPart($"{path}{name}", reason));
        }

        return values;
    }

    /// <summary>Puts values back; the fields must be those that were read.</summary>
    public static void Write(object subject, JsonObject values)
    {
        foreach (var (name, field) in Of(subject))
        {
            if (!values.TryGetPropertyValue(name, out var node))
                continue;
            if (IsValue(field.FieldType))
                field.SetValue(subject, node.Deserialize(field.FieldType, Exact));
            else
                WriteList(subject, field, node);
        }
    }

    private static IEnumerable<(string Name, FieldInfo Field)> Find(Type? type)
    {
        for (; type is not null && type != typeof(object); type = type.BaseType)
        {
            var declared = type.GetFields(
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly);
            foreach (var field in declared)
                yield return (PropertyName(field.Name), field);
        }
    }

    private static void WriteList(object subject, FieldInfo field, JsonNode? node)
    {
        var element = ElementType(field.GetValue(subject)?.GetType() ?? field.FieldType);
        if (element is null)
            return;
        var list = field.FieldType.IsArray ? element.MakeArrayType() : typeof(List<>).MakeGenericType(element);
        field.SetValue(subject, node.Deserialize(list, Exact));
    }

    private static bool IsValue(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type.IsPrimitive || type.IsEnum || type == typeof(string);
    }

    private static bool IsValues(object? value) =>
        value is not (null or string) && ElementType(value.GetType()) is { } element && IsValue(element);

    private static Type? ElementType(Type type) => type
        .GetInterfaces()
        .Append(type)
        .Where(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IList<>))
        .Select(i => i.GetGenericArguments()[0])
        .FirstOrDefault();

    /// <summary>Why a field is left out; null for what is no state: tensors and schedulers are saved elsewhere.</summary>
    private static string? Reason(FieldInfo field, object? value) => value switch
    {
        null or torch.Tensor or torch.optim.Optimizer => null,
        torch.optim.lr_scheduler.LRScheduler or IEnumerable<torch.optim.lr_scheduler.LRScheduler> => null,
        Delegate or IEnumerable<Delegate> => "code is not state; it must be the same in the program",
        _ => $"configuration of type {field.FieldType.Name}; it must be the same in the program",
    };

    private static string PropertyName(string field) =>
        field.StartsWith('<') ? field[1..field.IndexOf('>')] : field;
}
