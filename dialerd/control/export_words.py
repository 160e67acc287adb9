"""The words of exports and print sheets: headings, states and outcomes, in English, Vietnamese and Polish (C18).

Never lets a word be missing in one language: the tables are built from rows of all three, and a test walks the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

Language: TypeAlias = Literal["en", "vi", "pl"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

_HEADINGS: Mapping[str, tuple[str, str, str]] = {
    "abandon_rate": ("Abandon rate", "Tỷ lệ bỏ lỡ", "Odsetek porzuconych"),
    "abandoned": ("Abandoned", "Bị bỏ lỡ", "Porzucone"),
    "action": ("Action", "Hành động", "Akcja"),
    "address": ("Address", "Địa chỉ", "Adres"),
    "agent": ("Agent", "Nhân viên", "Agent"),
    "answered": ("Answered", "Khách nhấc máy", "Odebrane"),
    "answered_at": ("Answered at", "Nhấc máy lúc", "Odebrano"),
    "answers": ("Answers", "Câu trả lời", "Odpowiedzi"),
    "at": ("Time", "Thời điểm", "Kiedy"),
    "attempts": ("Attempts", "Số lần gọi", "Próby"),
    "because": ("Why", "Lý do", "Powód"),
    "budget": ("Budget", "Ngân sách", "Budżet"),
    "busy": ("Busy", "Máy bận", "Zajęte"),
    "call": ("Call", "Cuộc gọi", "Połączenie"),
    "caller_id": ("Caller id", "Số hiển thị", "Numer prezentowany"),
    "calls": ("Calls", "Cuộc gọi", "Połączenia"),
    "campaign": ("Campaign", "Chiến dịch", "Kampania"),
    "campaigns": ("Campaigns", "Các chiến dịch", "Kampanie"),
    "cause": ("Cause (Q.850)", "Mã lỗi (Q.850)", "Przyczyna (Q.850)"),
    "clicks": ("Clicks", "Lượt bấm", "Kliknięcia"),
    "command": ("Command", "Lệnh", "Polecenie"),
    "connected": ("Connected", "Gặp nhân viên", "Połączone"),
    "connected_at": ("Connected at", "Gặp nhân viên lúc", "Połączono"),
    "contact": ("Contact", "Liên hệ", "Kontakt"),
    "cost": ("Cost", "Chi phí", "Koszt"),
    "counted": ("Counts", "Được tính", "Liczy się"),
    "created_at": ("Created at", "Tạo lúc", "Utworzono"),
    "created_by": ("Created by", "Người tạo", "Utworzył"),
    "currency": ("Currency", "Tiền tệ", "Waluta"),
    "description": ("Description", "Mô tả", "Opis"),
    "disposed_by": ("Disposed by", "Người ghi kết quả", "Wynik wpisał"),
    "disposition": ("Disposition", "Kết quả liên hệ", "Wynik kontaktu"),
    "email": ("E-mail", "Email", "E-mail"),
    "ended_at": ("Ended at", "Kết thúc lúc", "Zakończono"),
    "ends_at": ("Ends at", "Ngày kết thúc", "Koniec"),
    "expected_revenue": ("Expected revenue", "Doanh thu dự kiến", "Oczekiwany przychód"),
    "failed": ("Failed", "Lỗi", "Nieudane"),
    "fields": ("Record", "Dữ liệu riêng", "Dane rekordu"),
    "figures": ("Figures", "Số liệu", "Liczby"),
    "history": ("History", "Lịch sử", "Historia"),
    "hotline": ("Hotline", "Hotline", "Hotline"),
    "hung_up": ("Hung up at once", "Tắt ngay", "Rozłączone od razu"),
    "joined_at": ("Joined at", "Tham gia lúc", "Dołączył"),
    "last_at": ("Last attempt at", "Lần gọi cuối lúc", "Ostatnia próba"),
    "last_outcome": ("Last outcome", "Kết quả gọi cuối", "Ostatni wynik"),
    "lead": ("Lead", "Mã khách", "Lead"),
    "leads": ("Leads", "Khách hàng", "Leady"),
    "list": ("List", "Danh sách", "Lista"),
    "lost": ("Lost", "Mất dấu", "Utracone"),
    "mean_wait": ("Mean wait", "Chờ trung bình", "Średnie oczekiwanie"),
    "mode": ("Mode", "Chế độ", "Tryb"),
    "money": ("Business figures", "Kinh doanh", "Dane biznesowe"),
    "name": ("Name", "Tên", "Nazwa"),
    "next_at": ("Next attempt", "Gọi lại lúc", "Następna próba"),
    "no_answer": ("No answer", "Không trả lời", "Bez odpowiedzi"),
    "note": ("Note", "Ghi chú", "Uwaga"),
    "number": ("Number", "Số gọi", "Numer"),
    "outcome": ("Outcome", "Kết quả cuộc gọi", "Wynik"),
    "owner": ("Account manager", "Người phụ trách khách", "Opiekun"),
    "participation": ("Participation", "Tham gia", "Udział"),
    "person_in_charge": ("Person in charge", "Người phụ trách", "Odpowiedzialny"),
    "phone": ("Phone", "Điện thoại", "Telefon"),
    "phones": ("Further phones", "Số khác", "Inne telefony"),
    "placed": ("Calls placed", "Số cuộc đã gọi", "Wykonane połączenia"),
    "placed_at": ("Placed at", "Gọi lúc", "Wykonano"),
    "principal": ("Who", "Ai", "Kto"),
    "priority": ("Priority", "Ưu tiên", "Priorytet"),
    "revenue": ("Revenue", "Doanh thu", "Przychód"),
    "ring_s": ("Ringing", "Đổ chuông", "Dzwonienie"),
    "ringing_at": ("Ringing at", "Đổ chuông lúc", "Dzwoni od"),
    "server": ("Server", "Máy chủ", "Serwer"),
    "sip": ("SIP code", "Mã SIP", "Kod SIP"),
    "source": ("Source", "Nguồn", "Źródło"),
    "starts_at": ("Starts at", "Ngày bắt đầu", "Początek"),
    "state": ("State", "Trạng thái", "Stan"),
    "state_at": ("In this state since", "Ở trạng thái từ", "W tym stanie od"),
    "state_by": ("State set by", "Người đổi trạng thái", "Stan zmienił"),
    "talk_s": ("Talk", "Đàm thoại", "Rozmowa"),
    "trunk": ("Trunk", "Trunk", "Trunk"),
    "wait_s": ("Wait", "Chờ nhân viên", "Oczekiwanie"),
}
_VALUES: Mapping[str, tuple[str, str, str]] = {
    # states of a lead
    "new": ("new", "mới", "nowy"),
    "in_progress": ("being called", "đang gọi", "w trakcie"),
    "retry": ("to be called again", "sẽ gọi lại", "do ponowienia"),
    "callback": ("callback", "hẹn gọi lại", "umówiony telefon"),
    "held": ("held", "tạm giữ", "wstrzymany"),
    "succeeded": ("succeeded", "thành công", "zakończony sukcesem"),
    "exhausted": ("attempts used up", "hết lượt gọi", "wyczerpane próby"),
    "failed": ("failed", "không gọi được", "nieudany"),
    "do_not_call_back": ("do not call back", "không gọi lại", "nie dzwonić ponownie"),
    "blocked": ("blocked", "bị chặn", "zablokowany"),
    "dnc": ("do-not-call register", "danh bạ không quảng cáo", "rejestr sprzeciwów"),
    # of a campaign
    "draft": ("draft", "bản nháp", "szkic"),
    "pending": ("waits for approval", "chờ duyệt", "czeka na zatwierdzenie"),
    "rejected": ("rejected", "bị từ chối", "odrzucona"),
    "approved": ("approved", "đã duyệt", "zatwierdzona"),
    "scheduled": ("scheduled", "đã lên lịch", "zaplanowana"),
    "running": ("running", "đang chạy", "w toku"),
    "paused": ("paused", "tạm dừng", "wstrzymana"),
    "finished": ("finished", "kết thúc", "zakończona"),
    "deleted": ("deleted", "đã xóa", "usunięta"),
    # of participation
    "registered": ("registered", "đã đăng ký", "zapisany"),
    "confirmed": ("confirmed", "đã xác nhận", "potwierdzony"),
    "joined": ("joined", "đã tham gia", "uczestniczył"),
    "cancelled": ("cancelled", "đã hủy", "anulowany"),
}
_OUTCOMES: Mapping[str, tuple[str, str, str]] = {
    "connected": ("connected", "gặp nhân viên", "połączono z agentem"),
    "abandoned": ("abandoned", "khách bị bỏ lỡ", "porzucone"),
    "hung_up": ("hung up at once", "khách tắt ngay", "rozłączył się od razu"),
    "busy": ("busy", "máy bận", "zajęte"),
    "no_answer": ("no answer", "không trả lời", "bez odpowiedzi"),
    "no_response": ("no response", "không phản hồi", "brak reakcji"),
    "rejected": ("rejected", "từ chối cuộc gọi", "odrzucone"),
    "unallocated": ("number does not exist", "số không tồn tại", "numer nie istnieje"),
    "changed": ("number changed", "số đã đổi", "numer zmieniony"),
    "bad_format": ("number incomplete", "số sai định dạng", "niepełny numer"),
    "absent": ("phone switched off", "thuê bao không liên lạc được", "abonent niedostępny"),
    "no_route": ("no route", "không có đường nối", "brak trasy"),
    "out_of_order": ("out of order", "đường dây hỏng", "uszkodzenie"),
    "congestion": ("congestion", "nghẽn mạng", "przeciążenie"),
    "service_error": ("service error", "lỗi dịch vụ", "błąd usługi"),
    "unwanted": ("unwanted call", "bị coi là cuộc gọi rác", "połączenie niechciane"),
    "unknown": ("unknown", "không rõ", "nieznany"),
    "not_placed": ("not placed", "chưa gọi đi", "nie wykonano"),
    "cancelled": ("cancelled", "đã hủy", "anulowane"),
    "lost": ("lost", "mất dấu", "utracone"),
}
_REFUSED = ("refused by rule", "quy tắc không cho gọi", "odmowa reguły")
_YES = ("yes", "có", "tak")
_NO = ("no", "không", "nie")


class Words:
    """The words of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._at = LANGUAGES.index(language)

    def heading(self, key: str) -> str:
        """A heading by its key. Raises KeyError."""
        return _HEADINGS[key][self._at]

    def value(self, code: str) -> str:
        """A state of a lead, of a campaign or of participation; what is not known stays as it is."""
        return self._of(_VALUES, code)

    def outcome(self, code: str) -> str:
        """An outcome of a call, or a rule's refusal (`refused:hours`)."""
        kind, colon, rule = code.partition(":")
        if colon and kind == "refused":
            return f"{_REFUSED[self._at]}: {rule}"
        return self._of(_OUTCOMES, code)

    def yes(self, is_so: bool) -> str:
        """Yes or no."""
        return (_YES if is_so else _NO)[self._at]

    def _of(self, table: Mapping[str, tuple[str, str, str]], code: str) -> str:
        found = table.get(code)
        return code if found is None else found[self._at]
