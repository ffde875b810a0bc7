using System.Text.Json;
using System.Text.Json.Serialization;

namespace MessageStore.Remote;

/// <summary>Writes what a property of type <see cref="object"/> holds as an array of its type's name and its value.</summary>
internal sealed class KnownObjectConverter : JsonConverter<object>
{
    public override object Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray || !reader.Read() || reader.TokenType != JsonTokenType.String) throw new JsonException("A value without the name of its type.");
        string name = reader.GetString()!;
        Type type = KnownTypes.Find(name) ?? throw new JsonException($"No value of type {name} is expected.");
        if (!reader.Read()) throw new JsonException($"A value of type {name} is missing.");
        object value = JsonSerializer.Deserialize(ref reader, type, options) ?? throw new JsonException($"A value of type {name} is missing.");
        if (!reader.Read() || reader.TokenType != JsonTokenType.EndArray) throw new JsonException($"Something follows a value of type {name}.");
        return value;
    }

    public override void Write(Utf8JsonWriter writer, object value, JsonSerializerOptions options)
    {
        Type type = value.GetType();
        if (!KnownTypes.Contains(type)) throw new NotSupportedException($"A value of type {type} cannot go through the socket: only records of the engine and plain values can.");
        writer.WriteStartArray();
        writer.WriteStringValue(type.FullName);
        JsonSerializer.Serialize(writer, value, type, options);
        writer.WriteEndArray();
    }
}
