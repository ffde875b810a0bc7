using System.Text.Json;
using System.Text.Json.Serialization;
using MessageStore.IO;
using MessageStore.Storage;

namespace MessageStore.Archiving;

/// <summary>Who left a record, when and why, and who lifted it: the JSON in a <see cref="GroupRecord"/> (docs/format-log.md).</summary>
internal sealed record RecordNote
{
    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public required string By { get; init; }
    public required DateTimeOffset Time { get; init; }
    public required string Reason { get; init; }
    public string? LiftedBy { get; init; }
    public DateTimeOffset? LiftedTime { get; init; }
    public string? LiftReason { get; init; }
    public ArchivePolicy? Policy { get; init; }

    /// <summary>What a hold says, for people.</summary>
    public static string DescribeHold(GroupRecord hold)
    {
        RecordNote note = Read(hold);
        return $"held by {note.By} since {note.Time:u} (hold {hold.Id}): {note.Reason}";
    }

    public byte[] Encode() => JsonSerializer.SerializeToUtf8Bytes(this, Json);

    /// <exception cref="MessageStoreException">LogDamaged: it passed its checksum and is no note.</exception>
    public static RecordNote Read(GroupRecord record)
    {
        try
        {
            return JsonSerializer.Deserialize<RecordNote>(record.Note, Json) ?? throw new JsonException("It is empty.");
        }
        catch (JsonException error)
        {
            throw new MessageStoreException(ErrorIds.LogDamaged, ErrorKind.Damaged, $"Record {record.Id} cannot be read: {error.Message}", record.Id, error);
        }
    }
}
