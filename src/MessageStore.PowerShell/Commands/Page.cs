using System.Management.Automation;

namespace MessageStore.PowerShell.Commands;

/// <summary>Counts what <c>-Skip</c> and <c>-First</c> let through, over all items of the pipeline.</summary>
internal sealed class Page(PagingParameters paging)
{
    private ulong seen;

    /// <summary>Whether nothing more can come. Never so where the total count is wanted.</summary>
    public bool IsFull => !paging.IncludeTotalCount && seen >= Last;

    private ulong Last => paging.First > ulong.MaxValue - paging.Skip ? ulong.MaxValue : paging.First + paging.Skip;

    /// <summary>Counts an item and says whether it is on the page.</summary>
    public bool Take()
    {
        ulong number = seen++;
        return number >= paging.Skip && number < Last;
    }

    /// <summary>Writes the total count where it was asked for. It comes last: items do not wait until all are counted.</summary>
    public void WriteTotal(Cmdlet cmdlet)
    {
        if (paging.IncludeTotalCount) cmdlet.WriteObject(paging.NewTotalCount(seen, accuracy: 1));
    }
}
