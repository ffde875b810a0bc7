using MessageStore.Backups;
using MessageStore.Tests.Facade;

namespace MessageStore.Tests.Backups;

/// <summary>The file has what figure 7 of the patent writes, in its order.</summary>
public class SessionOrderTests
{
    [Fact]
    public void Groups_are_named_first_and_each_has_images_then_a_mark_then_logs_then_patches()
    {
        using var bed = new BackupBed(1, "One", "Two");
        bed.Append(20);
        bed.Append(20, "grace", bed.Mail.Groups[1]);
        BackupRun run = bed.BackUp(progress: new DuringBackup(() =>
        {
            bed.Append(3);
            return Task.CompletedTask;
        }));
        Assert.True(run.PatchTransactions > 0);
        var order = new List<BackupFrameType>();
        using (var reader = new BackupReader(bed.Storage, run.Path, null))
        {
            order.Add(BackupFrameType.Header); // read by opening
            while (order[^1] != BackupFrameType.Trailer)
                if (reader.Next(out _) is var type && type != order[^1]) order.Add(type);
        }
        BackupFrameType[] images = [BackupFrameType.GroupBegin, BackupFrameType.Snapshot, BackupFrameType.Segment, BackupFrameType.LogsMark];
        Assert.Equal([BackupFrameType.Header, BackupFrameType.Groups, .. images], order[..6]);
        Assert.Equal(2, order.Count(t => t == BackupFrameType.GroupEnd));
        Assert.Contains(BackupFrameType.Patch, order);
        Assert.Equal([BackupFrameType.GroupEnd, BackupFrameType.Contents, BackupFrameType.Trailer], order[^3..]);
        int second = order.LastIndexOf(BackupFrameType.GroupBegin);
        Assert.Equal(images, order[second..(second + 4)]);
        // What users wrote meanwhile comes after all images of its group, and before the next group.
        Assert.InRange(order.IndexOf(BackupFrameType.Patch), order.IndexOf(BackupFrameType.LogsMark), order.IndexOf(BackupFrameType.GroupEnd));
    }
}
