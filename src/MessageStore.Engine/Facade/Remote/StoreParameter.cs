using System.Reflection;
using System.Text.Json;

namespace MessageStore.Remote;

/// <summary>A parameter of a member of <see cref="IMessageStore"/>: how it goes through the socket.</summary>
internal abstract class StoreParameter
{
    /// <summary>Writes the argument of a call, as one element of the array of arguments.</summary>
    public abstract void Write(Utf8JsonWriter writer, object? argument);

    /// <summary>Makes the argument that the store at the other end gets.</summary>
    /// <param name="written">What <see cref="Write"/> wrote.</param>
    /// <param name="number">The parameter's number.</param>
    /// <param name="sender">The way back to the caller.</param>
    public abstract object? Read(JsonElement written, int number, CallSender sender);

    /// <summary>Hands the caller a report that came back.</summary>
    public virtual void Report(object? argument, JsonElement value) => throw new InvalidDataException("A report for a parameter that takes none.");

    public static StoreParameter For(ParameterInfo parameter)
    {
        Type type = parameter.ParameterType;
        if (type == typeof(CancellationToken)) return new CancellationParameter();
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IProgress<>))
            return (StoreParameter)Activator.CreateInstance(typeof(ProgressParameter<>).MakeGenericType(type.GetGenericArguments()))!;
        return new ValueParameter(type);
    }
}
