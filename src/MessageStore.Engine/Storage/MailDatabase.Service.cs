using System.Globalization;

namespace MessageStore.Storage;

/// <summary>Which groups serve, and which do not and why; one look sees each group in one of the two.</summary>
internal sealed record GroupSet(IReadOnlyList<StorageGroup> Open, IReadOnlyList<FailedGroup> Failed);

/// <summary>Taking groups out of service while all others serve, and putting them back.</summary>
internal sealed partial class MailDatabase
{
    private readonly Lock serving = new();

    /// <summary>
    /// Closes groups for their users, who get an error that says why, and waits until nobody writes to them any more. One that was not open stays so.
    /// </summary>
    /// <param name="names">Names of groups of this database.</param>
    /// <exception cref="MessageStoreException">GroupNotFound.</exception>
    public void TakeOutOfService(IReadOnlyList<string> names)
    {
        List<GroupSettings> leaving = [.. names.Select(SettingsOf)];
        string since = options.Clock.GetUtcNow().ToString("u", CultureInfo.InvariantCulture);
        var closed = new List<StorageGroup>();
        lock (serving)
        {
            GroupSet now = set;
            var failed = now.Failed.Where(f => !leaving.Exists(l => l.Name == f.Settings.Name)).ToList();
            foreach (GroupSettings group in leaving)
            {
                var reason = new MessageStoreException(ErrorIds.GroupRestoring, ErrorKind.Busy,
                    $"Storage group {group.Name} has been out of service since {since}: it is being restored. Its mail is there again when that has ended.", group.Name);
                failed.Add(new FailedGroup(group, reason));
                if (now.Open.FirstOrDefault(g => g.Name == group.Name) is not { } open) continue;
                open.Retire(reason);
                closed.Add(open);
            }
            set = new GroupSet([.. now.Open.Except(closed)], failed);
        }
        foreach (StorageGroup group in closed) group.Dispose();
    }

    /// <summary>Opens groups that were taken out of service. One that cannot be opened is among <see cref="FailedGroups"/>, with the reason.</summary>
    public void PutIntoService(IReadOnlyList<string> names)
    {
        List<GroupSettings> back = [.. names.Select(SettingsOf)];
        try
        {
            CompleteSwap(Storage, SwapInside(Path)); // half exchanged, store and log are not of one state
        }
        catch (MessageStoreException error)
        {
            Replace(back, [], [.. back.Select(g => new FailedGroup(g, error))]);
            return;
        }
        OpenGroups(back);
    }

    /// <summary>What the settings say of a group, open or not.</summary>
    /// <exception cref="MessageStoreException">GroupNotFound.</exception>
    public GroupSettings SettingsOf(string name) => Settings.StorageGroups.FirstOrDefault(g => g.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new MessageStoreException(ErrorIds.GroupNotFound, ErrorKind.NotFound,
            $"There is no storage group '{name}' in {Path}. It has: {string.Join(", ", Settings.StorageGroups.Select(g => g.Name))}.", name);

    private void OpenGroups(IReadOnlyList<GroupSettings> wanted)
    {
        var opened = new List<StorageGroup>();
        var failed = new List<FailedGroup>();
        try
        {
            foreach (GroupSettings group in wanted)
            {
                (string store, string log) = FoldersOf(Path, Settings, group);
                try
                {
                    opened.Add(StorageGroup.Open(Storage, IdentityOf(Settings, group), options, store, log));
                }
                catch (MessageStoreException error)
                {
                    failed.Add(new FailedGroup(group, error));
                }
            }
        }
        finally
        {
            Replace(wanted, opened, failed);
        }
    }

    /// <summary>Puts groups in the place of those of the same names, in the order of the settings.</summary>
    private void Replace(IReadOnlyList<GroupSettings> names, IReadOnlyList<StorageGroup> opened, IReadOnlyList<FailedGroup> failed)
    {
        lock (serving)
        {
            GroupSet now = set;
            List<string> order = [.. Settings.StorageGroups.Select(g => g.Name)];
            set = new GroupSet(
                [.. now.Open.Where(g => names.All(n => n.Name != g.Name)).Concat(opened).OrderBy(g => order.IndexOf(g.Name))],
                [.. now.Failed.Where(f => names.All(n => n.Name != f.Settings.Name)).Concat(failed).OrderBy(f => order.IndexOf(f.Settings.Name))]);
        }
    }

    private void CloseGroups() => Parallel.ForEach(set.Open, g => g.Dispose());
}
