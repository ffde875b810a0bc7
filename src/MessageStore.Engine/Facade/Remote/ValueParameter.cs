using System.Text.Json;

namespace MessageStore.Remote;

/// <summary>Plain data.</summary>
internal sealed class ValueParameter(Type type) : StoreParameter
{
    public override void Write(Utf8JsonWriter writer, object? argument) => JsonSerializer.Serialize(writer, argument, type, RemoteJson.Options);

    public override object? Read(JsonElement written, int number, CallSender sender) => written.Deserialize(type, RemoteJson.Options);
}
