from django.http import HttpResponse
from django.urls import path


def index(request):
    if request.GET.get("fail"):
        raise LookupError("no such thing")
    answer = HttpResponse(request.META["REMOTE_ADDR"])
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2")
    return answer


urlpatterns = [path("", index)]
