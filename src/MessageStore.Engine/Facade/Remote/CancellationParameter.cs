using System.Text.Json;

namespace MessageStore.Remote;

/// <summary>Cancelling is a request of its own (<see cref="CallCancellation"/>), or the end of the connection.</summary>
internal sealed class CancellationParameter : StoreParameter
{
    public override void Write(Utf8JsonWriter writer, object? argument) => writer.WriteNullValue();

    public override object Read(JsonElement written, int number, CallSender sender) => sender.Stopped;
}
