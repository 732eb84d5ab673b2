# Rails' check of the host of requests (ActionDispatch::HostAuthorization), as a new project has it in development, but that
# names under localhost are not let through, which is where the tests have their zone.
#
# Usage: host_checking_app.rb PORT
require "logger"
require "active_support"
require "action_view"
require "action_dispatch"
require "rack/handler/webrick"

page = ->(_environment) { [200, { "Content-Type" => "text/html" }, ["<h1>the app</h1>"]] }
checked = ActionDispatch::HostAuthorization.new(page, ["localhost"])
# As Rails' development environment does.
development = lambda do |environment|
  checked.call(environment.merge("action_dispatch.show_detailed_exceptions" => true))
end
Rack::Handler::WEBrick.run(
  development, Host: "127.0.0.1", Port: Integer(ARGV.fetch(0)), AccessLog: [], Logger: WEBrick::Log.new(File::NULL)
)
