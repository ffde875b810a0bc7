namespace MessageStore.Keys;

/// <summary>
/// The volumes that keys lie in, each named once in the journal and known by its number from then on, with the bytes that its keys cover. Many may
/// look while nobody adds.
/// </summary>
internal sealed class KeyVolumes
{
    private readonly List<KeyVolume> byNumber = [];
    private readonly Dictionary<(string Target, string Unit, string Name), KeyVolume> byName = [];
    private KeyVolume? last;

    public int Count => byNumber.Count;

    public KeyVolume this[int number] => byNumber[number];

    public KeyVolume? Find(string target, string unit, string name)
    {
        // Keys come by the batch, and a batch goes to one volume.
        KeyVolume? recent = last;
        if (recent is not null && recent.Name == name && recent.Unit == unit && recent.Target == target) return recent;
        if (byName.TryGetValue((target, unit, name), out KeyVolume? found)) last = found;
        return found;
    }

    public KeyVolume Add(string target, string unit, string name)
    {
        // Targets and units are few: volumes share their strings.
        if (last is not null && last.Target == target) target = last.Target;
        if (last is not null && last.Unit == unit) unit = last.Unit;
        last = new KeyVolume(byNumber.Count, target, unit, name);
        byNumber.Add(last);
        byName.Add((target, unit, name), last);
        return last;
    }
}

/// <summary>A volume.</summary>
internal sealed class KeyVolume(int number, string target, string unit, string name)
{
    public int Number => number;

    public string Target => target;

    public string Unit => unit;

    public string Name => name;

    /// <summary>The largest offset plus length of any key ever recorded in it.</summary>
    public long End { get; set; }
}
