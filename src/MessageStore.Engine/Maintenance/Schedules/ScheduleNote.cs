using System.Text.Json;
using System.Text.Json.Serialization;

namespace MessageStore.Maintenance;

/// <summary>
/// The schedule as it was registered, kept as one line of JSON in what was installed: a comment of a crontab or unit, the data of a task. So listing needs no file
/// of our own beside the scheduler's, and the two can never disagree.
/// </summary>
internal static class ScheduleNote
{
    private static readonly JsonSerializerOptions Json = new()
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter() },
    };

    public static string Write(MaintenanceSchedule schedule) => JsonSerializer.Serialize(schedule, Json);

    /// <returns><see langword="null"/> where the line is none of ours, or was changed by hand beyond reading.</returns>
    public static MaintenanceSchedule? Read(string line)
    {
        try
        {
            return JsonSerializer.Deserialize<MaintenanceSchedule>(line, Json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
