using System.Reflection;
using System.Text.Json;

namespace MessageStore.Remote;

/// <summary>A member of <see cref="IMessageStore"/>: how a call of it goes through the socket, seen from both ends.</summary>
internal abstract class StoreMember(MethodInfo method)
{
    private readonly StoreParameter[] parameters = [.. method.GetParameters().Select(StoreParameter.For)];
    private readonly int cancellation = Array.FindIndex(method.GetParameters(), p => p.ParameterType == typeof(CancellationToken));

    public string Name => Method.Name;

    public MethodInfo Method { get; } = method;

    /// <summary>The caller's end: makes the task or the sequence that the member returns.</summary>
    public abstract object Call(StoreConnection connection, object?[] arguments);

    /// <summary>The store's end: calls the member and sends what comes of it.</summary>
    /// <exception cref="MessageStoreException">What the member throws.</exception>
    public abstract Task RunAsync(IMessageStore store, object?[] arguments, CallSender sender);

    /// <summary>The token among the arguments.</summary>
    public CancellationToken TokenIn(object?[] arguments) => cancellation < 0 ? CancellationToken.None : (CancellationToken)arguments[cancellation]!;

    public void WriteArguments(Utf8JsonWriter writer, object?[] arguments)
    {
        writer.WriteStartArray();
        for (int i = 0; i < parameters.Length; i++) parameters[i].Write(writer, arguments[i]);
        writer.WriteEndArray();
    }

    /// <exception cref="InvalidDataException">There are too many or too few.</exception>
    /// <exception cref="JsonException">One is not of its type.</exception>
    public object?[] ReadArguments(JsonElement written, CallSender sender)
    {
        if (written.ValueKind != JsonValueKind.Array || written.GetArrayLength() != parameters.Length) throw new InvalidDataException($"{Name} takes {parameters.Length} arguments.");
        return [.. parameters.Select((parameter, number) => parameter.Read(written[number], number, sender))];
    }

    /// <summary>Hands the caller a report.</summary>
    public void Report(object?[] arguments, ReadOnlyMemory<byte> payload)
    {
        using JsonDocument report = JsonDocument.Parse(payload);
        int number = report.RootElement[0].GetInt32();
        if (number < 0 || number >= parameters.Length) throw new InvalidDataException($"{Name} has no parameter {number}.");
        parameters[number].Report(arguments[number], report.RootElement[1]);
    }

    public static StoreMember For(MethodInfo method)
    {
        Type type = method.ReturnType;
        if (type == typeof(Task)) return new TaskMember(method);
        if (type == typeof(Task<Stream>)) return new StreamMember(method);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(Task<>)) return Make(typeof(ResultMember<>), type, method);
        if (type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IAsyncEnumerable<>)) return Make(typeof(SequenceMember<>), type, method);
        throw new NotSupportedException($"{method.Name} returns {type}: only a task, a stream or an asynchronous sequence can come through the socket.");
    }

    protected object Invoke(IMessageStore store, object?[] arguments) => Method.Invoke(store, BindingFlags.DoNotWrapExceptions, null, arguments, null)!;

    private static StoreMember Make(Type member, Type result, MethodInfo method) => (StoreMember)Activator.CreateInstance(member.MakeGenericType(result.GetGenericArguments()), method)!;
}
