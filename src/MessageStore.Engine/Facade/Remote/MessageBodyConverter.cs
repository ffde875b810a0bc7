using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.Messages;

namespace MessageStore.Remote;

/// <summary>Writes the number of a body in the <see cref="BodyBag"/> of the call.</summary>
internal sealed class MessageBodyConverter : JsonConverter<MessageBody>
{
    public override bool CanConvert(Type typeToConvert) => typeof(MessageBody).IsAssignableFrom(typeToConvert);

    public override MessageBody Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        int number = reader.GetInt32();
        IReadOnlyList<MessageBody> bodies = BodyBag.Current.Bodies;
        return number >= 0 && number < bodies.Count ? bodies[number] : throw new JsonException($"There is no body {number} among {bodies.Count}.");
    }

    public override void Write(Utf8JsonWriter writer, MessageBody value, JsonSerializerOptions options) => writer.WriteNumberValue(BodyBag.Current.Add(value));
}
