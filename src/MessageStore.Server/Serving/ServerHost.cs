namespace MessageStore.Server.Serving;

/// <summary>
/// What every server here is built on. It takes nothing from where it happens to be started: the platform's usual builders read <c>appsettings.json</c> of the working directory and the environment, either of
/// which can name further addresses to listen at, past our checks and keys, and watch that directory with all that is below it for changes. What is configured comes from <see cref="ServerOptions"/> and arguments.
/// </summary>
internal static class ServerHost
{
    /// <returns>A builder with the web server, routes and a log on the console.</returns>
    public static WebApplicationBuilder CreateBuilder()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore();
        builder.Services.AddRoutingCore();
        builder.Logging.AddConsole();
        builder.Logging.SetMinimumLevel(LogLevel.Information);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning);
        return builder;
    }
}
